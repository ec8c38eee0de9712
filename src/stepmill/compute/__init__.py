"""Where jobs run: a sandboxed local process, or a container of an OCI engine."""
