"""From a prepared cohort to training batches. Uses cohort and what is below."""
