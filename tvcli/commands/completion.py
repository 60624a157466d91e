"""`tv completion`: what a shell needs to complete tv's command lines."""

from typing import Annotated, Literal

import typer


def completion(
    shell: Annotated[Literal["bash", "zsh", "fish"], typer.Argument(help="Your shell.")],
) -> None:
    """Print a shell script that completes what you type.

    With it, your shell completes tv's commands, options and file names.

    \b
    Examples:
      tv completion bash >> ~/.bashrc
      tv completion zsh >> ~/.zshrc
      tv completion fish > ~/.config/fish/completions/tv.fish
    """
    from tvcli.terminal.completion import script

    print(script(shell))
