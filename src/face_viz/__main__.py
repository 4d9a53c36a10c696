"""The program `face_viz`."""

from imusic_ros.program import end_at_once_on_signals


def main() -> int:
    """Run the node; see `imusic_ros.process.run` for the exit status."""
    end_at_once_on_signals()
    from face_viz.node import main as run_node

    return run_node()


if __name__ == "__main__":
    raise SystemExit(main())
