"""The bucket: a local folder, S3 or R2 through a Worker's binding.

`local.server` is the HTTP end of a folder: what its signed URLs point at. `reader` is for image workers.
"""
