"""Makes the bucket of a stand-in for S3, or the container of one for Azure."""

import sys

NAME = "volumes"


def make_bucket(endpoint: str) -> None:
    import boto3

    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="any",
        aws_secret_access_key="any",
    )
    client.create_bucket(Bucket=NAME)


def make_container(endpoint: str) -> None:
    from azure.storage.blob import BlobServiceClient

    # The account that each emulator has; its key is public.
    key = (
        "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/"
        "KBHBeksoGMGw=="
    )
    account = f"{endpoint}/devstoreaccount1"
    BlobServiceClient(account, credential=key).create_container(NAME)


if __name__ == "__main__":
    kind, endpoint = sys.argv[1:]
    {"s3": make_bucket, "azure": make_container}[kind](endpoint)
