"""Several processes serve one shop: workers answer with lists and take events in, a writer does all else.

`supervise` starts the writer and the workers, and others in the place of those that end. Workers listen at the same
address; the kernel gives each of them connections. What a worker takes in it sends over a `Link` to the writer, and
acknowledges once that has it on the disk; what it does not answer itself it passes on. Which state lies where:

- the inbox, the fold, snapshots, triggers, reads of customers, and all that prices, ads, fraud, experiments,
  support and outcomes remember: the writer;
- limits, and up to which number calls are on the disk: memory that all of them share (`Shared`);
- the live state that lists are made of: each, brought forward by the inbox in its order.
"""

from regulars.serve.workers.supervisor import supervise

__all__ = ["supervise"]
