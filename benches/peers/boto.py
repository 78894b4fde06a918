"""What iasql does, written by hand with boto3: usage: boto.py sequential|threaded TASK ENDPOINT

Prints the seconds that the task took, without the start of Python and of boto3.
"""

import sys
import time
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config

COUNT = 200


def main(how, task, endpoint):
    # The retry mode that boto3's documentation recommends for work that AWS throttles.
    config = Config(retries={"mode": "adaptive", "max_attempts": 20}, max_pool_connections=50)
    session = boto3.Session("test", "test", region_name="us-east-2")
    clients = {name: session.client(name, endpoint_url=endpoint, config=config) for name in SERVICES[task]}
    start = time.perf_counter()
    with ThreadPoolExecutor(1 if how == "sequential" else 50) as pool:
        TASKS[task](clients, lambda do, items: list(pool.map(do, items)))
    print(time.perf_counter() - start)


def creates(clients, each):
    logs = clients["logs"]
    names = {group["logGroupName"] for group in listed(logs, "describe_log_groups", "logGroups")}
    wanted = [f"bench-{number}" for number in range(1, COUNT + 1)]
    each(lambda name: logs.create_log_group(logGroupName=name), [name for name in wanted if name not in names])


def read(clients, each):
    """Reads the tables of an account, the lists side by side and then what is asked for each object."""
    ec2, elb, ecs, ecr, iam = (clients[name] for name in ("ec2", "elbv2", "ecs", "ecr", "iam"))
    public, logs, tagging = (clients[name] for name in ("ecr-public", "logs", "resourcegroupstaggingapi"))
    tagged = lambda kind: listed(tagging, "get_resources", "ResourceTagMappingList", ResourceTypeFilters=[kind])
    lists = [
        lambda: [vpc["VpcId"] for vpc in listed(ec2, "describe_vpcs", "Vpcs", 1000)],
        lambda: [it["repositoryName"] for it in listed(ecr, "describe_repositories", "repositories", 1000)],
        lambda: [it["repositoryArn"] for it in listed(public, "describe_repositories", "repositories", 1000)],
        lambda: [it["LoadBalancerArn"] for it in listed(elb, "describe_load_balancers", "LoadBalancers", 400)],
        lambda: [it["TargetGroupArn"] for it in listed(elb, "describe_target_groups", "TargetGroups", 400)],
        lambda: listed(ecs, "list_clusters", "clusterArns", 100),
        lambda: listed(ecs, "list_task_definitions", "taskDefinitionArns", 100),
        lambda: listed(ec2, "describe_subnets", "Subnets", 1000),
        lambda: listed(ec2, "describe_security_groups", "SecurityGroups", 1000),
        lambda: listed(ec2, "describe_security_group_rules", "SecurityGroupRules", 1000),
        lambda: listed(iam, "list_roles", "Roles", 1000),
        lambda: listed(iam, "get_account_authorization_details", "RoleDetailList", 1000, Filter=["Role"]),
        lambda: listed(logs, "describe_log_groups", "logGroups", 50),
        lambda: tagged("logs:log-group"),
        lambda: tagged("ecr:repository"),
    ]
    answers = each(lambda do: do(), lists)
    vpcs, repositories, publics, balancers, targets, clusters, definitions = answers[:7]
    each(lambda it: ec2.describe_vpc_attribute(VpcId=it[0], Attribute=it[1]),
         [(vpc, name) for vpc in vpcs for name in ("enableDnsSupport", "enableDnsHostnames")])
    each(lambda name: ecr.get_repository_policy(repositoryName=name), repositories)
    each(lambda arn: public.list_tags_for_resource(resourceArn=arn), publics)
    listeners = each(lambda arn: elb.describe_listeners(LoadBalancerArn=arn)["Listeners"], balancers)
    arns = balancers + targets + [it["ListenerArn"] for some in listeners for it in some]
    each(lambda some: elb.describe_tags(ResourceArns=some), chunks(arns, 20))
    each(lambda some: ecs.describe_clusters(clusters=some, include=["TAGS"]), chunks(clusters, 100))
    each(lambda arn: ecs.describe_task_definition(taskDefinition=arn, include=["TAGS"]), definitions)
    services = each(lambda arn: (arn, listed(ecs, "list_services", "serviceArns", 100, cluster=arn)), clusters)
    some = [(cluster, part) for cluster, arns in services for part in chunks(arns, 10)]
    each(lambda it: ecs.describe_services(cluster=it[0], services=it[1], include=["TAGS"]), some)


def listed(client, operation, key, size=None, **parameters):
    pages = client.get_paginator(operation).paginate(PaginationConfig={"PageSize": size} if size else {}, **parameters)
    return [item for page in pages for item in page[key]]


def chunks(items, size):
    return [items[start : start + size] for start in range(0, len(items), size)]


TASKS = {"creates": creates, "read": read}
SERVICES = {
    "creates": ["logs"],
    "read": ["ec2", "elbv2", "ecs", "ecr", "ecr-public", "iam", "logs", "resourcegroupstaggingapi"],
}

if __name__ == "__main__":
    main(*sys.argv[1:])
