"""`python -m console` is the command `gatehouse`."""

from console.main import main

if __name__ == "__main__":
    main()
