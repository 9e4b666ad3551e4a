"""Cohorts of PET/MR subjects: protocols, simulation, preparation, folds, patches and the LightningDataModule."""
