"""The program `face_fusion`."""

from imusic_ros.program import prepare


def main() -> int:
    """Run the node; see `imusic_ros.process.run` for the exit status."""
    prepare()
    from face_fusion.node import main as run_node

    return run_node()


if __name__ == "__main__":
    raise SystemExit(main())
