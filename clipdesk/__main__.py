"""``python -m clipdesk``."""

from clipdesk.cli import main

if __name__ == "__main__":
    main()
