"""What `import tvcli` offers: a thin tail over core for programs, as the commands are for shells.

Read: `photos`, `sources`, `reporting`, `notebook`, `records`, `encoding`, `location`, `ranking`,
`searching`, `matching`, `evaluation`. Nothing here prints, exits or knows a terminal.
"""
