"""The study: rollups of a store turned into numbers, each with how sure it is."""
