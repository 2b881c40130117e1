"""What every room stands on: rpc, errors, settings, telemetry, ids. No word of the business."""
