"""How results and data leave this suite and come in: packs, label maps and layouts of other tools. Uses experiment."""
