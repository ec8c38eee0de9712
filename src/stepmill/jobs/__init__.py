"""What a step does: the handlers of tasks.

A handler takes a task, whose payload is the request document that AWS's operation of that name would
get, and answers with reports. Processing and training jobs go the same way::

    requests/   the document, read once into a small frozen type; a wrong value is named with its place
    staging     the job's folder: contract (configuration files), channels (inputs, by reference), mounts
    handler     record, stage, run, follow, collect, report; each can be repeated after a crash
    kinds       in what kinds of job differ: processing, training
    outputs     files go to the store by rename; archives; synchroniser, for those kept while a job runs
    metrics, failures, records    what the log says, how it ended, what Describe answers
    toolkit/    programs that run beside or inside jobs, by whatever Python is there

The others are smaller: models, registering (the catalog does the work), functions/ (Lambda), callbacks,
json_reader (property files), caching (around any handler: was this done before?), lookup (jobs again).
"""
