"""`python -m imusic_cli`."""

from imusic_cli.main import main

raise SystemExit(main())
