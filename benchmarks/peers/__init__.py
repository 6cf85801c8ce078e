"""kclassify beside other tools that label texts with a model."""
