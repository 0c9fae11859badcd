"""Everything that moves events: the gate and engine on Faust, transport, archive, sources, embedded parts, CLI."""
