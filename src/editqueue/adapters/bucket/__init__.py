"""The bucket: a local folder (`local`), memory (`memory`) or S3 and R2 (`s3`).

`local_server` is the HTTP end of the first two: what their signed URLs point at.
"""
