"""SelfImprovement resources of a Kubernetes namespace, carried out by the orchestrator."""
