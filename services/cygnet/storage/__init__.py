"""S3: put, get, ranges, presigned URLs, conditional create; chunk formats; manifests and index; datasets."""
