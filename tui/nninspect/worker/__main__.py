"""`python -P -m nninspect.worker`: the torch process, as the supervisor starts it."""

from nninspect.worker import streams

if __name__ == "__main__":
    descriptors = streams.take()
    from nninspect.worker.main import main

    main(*descriptors)
