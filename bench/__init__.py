"""`make bench`: how fast the product is and what it costs, as JSON lines. Each benchmark is a module with a `run()`.

| benchmark | figures |
| --- | --- |
| `policy` | milliseconds of the pure core: a policy loaded, requests decided |
| `cold_start` | milliseconds and megabytes until the app is imported |
| `operations` | requests of one review to tables, blobs, queues and ARM, for each kind of review |
| `approval` | seconds from a private endpoint's PUT to its approval, through Event Grid, host, queue and ledger |
| `rate` | reviews a second of one host, and the same for its storage work alone |

A line is `{"name", "value", "unit", "samples", "python", "load"}`: the value is the median of the samples, the load is the
average number of processes of the whole machine that ran or waited in the last minute. Counts do not depend on it. Times
and rates do: compare only those that were taken side by side, and take them again if the load was well above the number of
cores. The benchmark itself makes a load of about two.

    python -m bench --against REV [NAME ...]

unpacks a revision into a temporary folder and runs the benchmarks there and here in turn, each time in a process of its
own, on this tree's local Azure and host. A line is then `{"name", "here", "there", "ratio", "unit", "revision", ...}`; the
ratio is here / there, so below 1 is better for counts and times, above 1 for rates. "Here" is the tree as it is on disk.

How it is measured: from outside. A message goes into the queue, requests come out: the benchmarks that compare revisions use
nothing of the product but `function_app`'s functions, its settings, its policy file and its queue. Counted is what leaves
azure-core's HTTP transport, retries included, a batch as one. The local Azure answers at once and does not throttle here, so
what is measured is the product, Azurite and the host, never the network. What to look at:

- `storage_operations_per_review: KIND`: table, blob and queue operations together, then each; `calls_per_review: KIND` are
  those to ARM, to the alert topic and to others. Receiving and deleting the message is the host's work and not counted.
  The first review of a target includes making the blob of its lease.
- `reviews_per_second / storage_work_per_second`: how near the host comes to the rate at which its storage could do 7 table,
  2 blob and 3 queue operations a review, by the same SDKs and as many threads. 1 would be a product that costs nothing else.
"""
