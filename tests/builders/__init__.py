"""What tests are built from: small cohorts, networks, runs and tables."""
