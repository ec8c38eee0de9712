"""JSONata as Step Functions evaluates it: pure, bounded, without a JVM."""
