//! Whose account it is.

use crate::account::Account;
use crate::replay::call;
use serde_json::json;

#[test]
fn the_caller_names_account_and_partition_and_is_asked_once() {
    let aws = Account::new([call("GetCallerIdentity", json!({})).xml(
        "<Arn>arn:aws-cn:iam::123456789012:user/ana</Arn><UserId>AIDA</UserId><Account>123456789012</Account>",
    )]);
    aws.run(async {
        for _ in 0..2 {
            let identity = aws.session().identity().await.unwrap();
            assert_eq!(identity.account_id, "123456789012");
            assert_eq!(identity.partition, "aws-cn");
            assert_eq!(identity.arn, "arn:aws-cn:iam::123456789012:user/ana");
        }
    });
}
