"""`python -m imusic_cli`."""

from imusic_cli.program import main

raise SystemExit(main())
