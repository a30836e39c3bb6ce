"""What other AWS tools may have set where editqueue runs; obstore would listen to each of these."""

AWS_ENVIRONMENT = {
    "AWS_ENDPOINT": "http://127.0.0.1:1",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
    "AWS_SESSION_TOKEN": "strange",
    "AWS_ACCESS_KEY_ID": "strange",
    "AWS_REGION": "strange",
    "AWS_SKIP_SIGNATURE": "true",
    "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "true",
    "AWS_S3_EXPRESS": "true",
}
