//! What the tests of the load balancing tables share.

use crate::replay::{Call, Expected, call};
use serde_json::{Map, Value as Json, json};

/// The answer to a describe call: the list, and the marker of the next page.
pub fn page(list: &str, members: &[String], next: Option<&str>) -> String {
    let next = next.map_or_else(String::new, |marker| {
        format!("<NextMarker>{marker}</NextMarker>")
    });
    format!("<{list}>{}</{list}>{next}", members.concat())
}

/// DescribeTags of these objects.
pub fn describe_tags(arns: &[String]) -> Expected {
    let arns = arns.iter().enumerate().map(|(position, arn)| {
        let key = format!("ResourceArns.member.{}", position + 1);
        (key, json!(arn))
    });
    call("DescribeTags", Json::Object(arns.collect::<Map<_, _>>()))
}

/// DescribeTags of these objects, none of which has tags.
pub fn no_tags(arns: &[String]) -> Call {
    describe_tags(arns).xml("<TagDescriptions></TagDescriptions>")
}

/// The look for the default VPC: `vpc-1`, or none.
pub fn default_vpc(exists: bool) -> Call {
    let vpc = match exists {
        true => "<item><vpcId>vpc-1</vpcId><isDefault>true</isDefault></item>",
        false => "",
    };
    call(
        "DescribeVpcs",
        json!({"Filter.1.Name": "is-default", "Filter.1.Value.1": "true"}),
    )
    .xml(&format!("<vpcSet>{vpc}</vpcSet>"))
}
