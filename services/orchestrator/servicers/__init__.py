"""The orchestrator's four gRPC services: wire to domain and back, nothing else."""
