"""Transform jobs: a model is served beside a client that sends it every record of the input.

``request.py`` reads CreateTransformJob, ``containers.py`` the model that it names, ``laying.py`` puts both
into the job's folder, ``kind.py`` is what the common handler of jobs asks. What runs in the job is in
``toolkit/``.
"""
