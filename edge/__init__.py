"""The device side: runs on a Raspberry Pi or any Linux, and installs alone."""
