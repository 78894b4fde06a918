//! A reading that tells of objects as they come.

use crate::account::{Account, REGION};
use crate::ec2::page;
use crate::replay::{Call, call};
use crate::security_group_rule::rule;
use iasql_aws::read::{Memory, News, Reading, Request, read};
use serde_json::json;
use std::cell::RefCell;
use std::future::ready;
use std::rc::Rc;

const PEER: &str = "<cidrIpv4>0.0.0.0/0</cidrIpv4>";

fn first_page(id: &str) -> Call {
    let rules = [rule(id, "sg-1", true, PEER)];
    call("DescribeSecurityGroupRules", json!({"MaxResults": "1000"})).xml(&page(
        "securityGroupRuleSet",
        &rules,
        Some("1"),
    ))
}

fn second_page() -> crate::replay::Expected {
    let request = json!({"MaxResults": "1000", "NextToken": "1"});
    call("DescribeSecurityGroupRules", request)
}

/// Reads the rules; returns what was told, a word or two each, and what was read.
fn read_rules(aws: &Account) -> (Vec<String>, Reading) {
    let news = Rc::new(RefCell::new(Vec::new()));
    let told = Rc::clone(&news);
    let tell = Rc::new(move |news| {
        told.borrow_mut().push(match news {
            News::Objects(objects) => {
                let ids = objects.iter().map(|object| object.id.as_str());
                format!("objects {}", ids.collect::<Vec<_>>().join(" "))
            }
            News::Read(table, region) => format!("read {table} {region}"),
            News::Quiet(quiet) => quiet.to_string(),
        });
    });
    let request = Request {
        tables: vec!["security_group_rule"],
        regions: vec![REGION.into()],
        piecemeal: true,
    };
    let reading = aws.run(read(aws.session(), request, ready(Memory::default()), tell));
    (news.take(), reading.unwrap())
}

#[test]
fn a_page_is_told_before_the_next_one_is_asked_for() {
    let rules = [rule("sgr-2", "sg-1", true, PEER)];
    let aws = Account::new([
        first_page("sgr-1"),
        second_page().xml(&page("securityGroupRuleSet", &rules, None)),
    ]);
    let (news, reading) = read_rules(&aws);
    assert_eq!(
        news,
        [
            "objects sgr-1",
            "objects sgr-2",
            "objects ",
            "read security_group_rule us-east-2"
        ]
    );
    assert_eq!(reading.objects, []);
    assert_eq!(reading.unread, []);
}

#[test]
fn a_list_that_breaks_off_is_not_told_to_be_read() {
    let aws = Account::new([
        first_page("sgr-1"),
        second_page().error(403, "UnauthorizedOperation", "No."),
    ]);
    let (news, reading) = read_rules(&aws);
    assert_eq!(news, ["objects sgr-1"]);
    assert_eq!(reading.unread.len(), 1);
}
