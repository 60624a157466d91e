"""What `import tvcli` offers: a thin tail over core for programs, as the commands are for shells.

Read: `choices`, `photos`, `sources`, `reporting`, `notebook`, `records`, `encoding`, `location`,
`ranking`, `matching`, `hits`, `queries`, `building`, `index`, `evaluation`.
Nothing here prints, exits or knows a terminal.
"""
