"""SageMaker: one service, put together in ``service.py`` from the modules of its resources."""
