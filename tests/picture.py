"""Makes a picture (SVG) of what a terminal shows: text with ANSI sequences from stdin."""

import re
import sys

from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI
from rich.text import Text

columns, path = int(sys.argv[1]), sys.argv[2]
console = Console(record=True, width=columns, file=open("/dev/null", "w"), force_terminal=True)
for line in sys.stdin.read().rstrip().splitlines():
    text = Text.from_ansi(line)
    if line.startswith("$ "):
        text.stylize("bold")
    console.print(text, soft_wrap=True)
svg = console.export_svg(title="kubectl daap", theme=DIMMED_MONOKAI, unique_id="terminal")
# A font from elsewhere is not loaded within a picture: the reader's own serves.
svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)
svg = svg.replace("Fira Code, monospace", "ui-monospace, monospace").replace("font-family: Fira Code", "font-family: ui-monospace, monospace")
svg = re.sub(r"[ \t]+\n", "\n", svg)
with open(path, "w") as picture:
    picture.write(svg)
