"""The report as one HTML page that needs nothing but itself: a verdict first, then what it rests on."""
