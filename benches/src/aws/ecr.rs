//! ECR: private repositories with their policies, and public ones.

use iasql_tests::Protocol;
use serde_json::{Value as Json, json};

use super::account::{ACCOUNT, Account, HOME, Kind, TAG};
use super::collection::Shape;
use super::document::Document;
use super::request::Request;
use super::{Answer, Refusal};

/// The largest page of every list.
const PAGE: usize = 1000;

/// The repository of a number.
pub fn repository(number: usize) -> Shape {
    named(&name(number), "MUTABLE", false)
}

fn name(number: usize) -> String {
    format!("bench/repository-{number}")
}

fn named(name: &str, mutability: &str, scan: bool) -> Shape {
    Shape {
        id: name.to_owned(),
        parent: String::new(),
        fields: json!({
            "repositoryArn": arn(name), "registryId": ACCOUNT, "repositoryName": name,
            "repositoryUri": format!("{ACCOUNT}.dkr.ecr.{HOME}.amazonaws.com/{name}"), "createdAt": 1_704_067_200.0,
            "imageTagMutability": mutability, "imageScanningConfiguration": {"scanOnPush": scan},
            "encryptionConfiguration": {"encryptionType": "AES256"},
        }),
    }
}

/// The ARN of the repository of this name.
pub fn arn(name: &str) -> String {
    format!("arn:aws:ecr:{HOME}:{ACCOUNT}:repository/{name}")
}

/// The policy of the repository of a number.
pub fn policy(number: usize) -> Shape {
    let text = json!({
        "Version": "2012-10-17",
        "Statement": [{"Sid": "pull", "Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::{ACCOUNT}:root")},
                       "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]}],
    });
    of_repository(&name(number), &text.to_string())
}

fn of_repository(name: &str, text: &str) -> Shape {
    Shape {
        id: name.to_owned(),
        parent: String::new(),
        fields: json!({"registryId": ACCOUNT, "repositoryName": name, "policyText": text}),
    }
}

/// The public repository of a number.
pub fn public_repository(number: usize) -> Shape {
    let name = name(number);
    Shape {
        fields: json!({
            "repositoryArn": format!("arn:aws:ecr-public::{ACCOUNT}:repository/{name}"), "registryId": ACCOUNT,
            "repositoryName": name, "repositoryUri": format!("public.ecr.aws/bench/{name}"),
            "createdAt": 1_704_067_200.0,
        }),
        parent: String::new(),
        id: name,
    }
}

/// Answers a call.
pub fn answer(account: &mut Account, request: &Request) -> Answer {
    let kind = match request.service.as_str() {
        "ecr" => Kind::Repository,
        _ => Kind::PublicRepository,
    };
    let name = request.text("repositoryName");
    let document = Document::new(Protocol::Json);
    let repositories = account.of(&request.region, kind);
    Ok(match request.operation.as_str() {
        "DescribeRepositories" => match request.texts("repositoryNames").next() {
            Some(name) => {
                let found = repositories
                    .get(name)
                    .ok_or_else(|| absent("RepositoryNotFoundException", name))?;
                document.list("repositories", [found].into_iter())
            }
            None => {
                let size = request.page_size("maxResults", 100, PAGE)?;
                let (members, next) = repositories.page(request.page_start("nextToken"), size);
                let document = document.list("repositories", members.into_iter());
                document.optional("nextToken", next.map(|next| next.to_string()))
            }
        },
        "ListTagsForResource" => {
            let arn = request.text("resourceArn");
            let name = arn.split(":repository/").nth(1).unwrap_or_default();
            let tags = if repositories.is_made(name) {
                json!([])
            } else {
                json!([{"Key": TAG.0, "Value": TAG.1}])
            };
            document.field("tags", &tags)
        }
        "CreateRepository" => {
            let mutability = match request.text("imageTagMutability") {
                "" => "MUTABLE",
                given => given,
            };
            let scan = request.get("imageScanningConfiguration")["scanOnPush"] == json!(true);
            let shape = named(name, mutability, scan);
            let document = document.field("repository", &shape.fields);
            repositories.insert(shape);
            document
        }
        "DeleteRepository" => {
            repositories.remove(name);
            document
        }
        "GetRepositoryPolicy" => {
            let policies = account.of(&request.region, Kind::RepositoryPolicy);
            let policy = policies.fields(name);
            whole(
                document,
                &policy.ok_or_else(|| absent("RepositoryPolicyNotFoundException", name))?,
            )
        }
        "SetRepositoryPolicy" => {
            let shape = of_repository(name, request.text("policyText"));
            let document = whole(document, &shape.fields);
            account
                .of(&request.region, Kind::RepositoryPolicy)
                .insert(shape);
            document
        }
        "DeleteRepositoryPolicy" => {
            account
                .of(&request.region, Kind::RepositoryPolicy)
                .remove(name);
            document
        }
        _ => return Err(Refusal::unknown(request)),
    })
}

fn absent(code: &'static str, name: &str) -> Refusal {
    Refusal::new(code, format!("nothing for the repository {name}"))
}

/// The fields of an object as those of the answer.
fn whole(document: Document, fields: &Json) -> Document {
    let fields = fields.as_object().into_iter().flatten();
    fields.fold(document, |document, (name, value)| {
        document.field(name, value)
    })
}
