//! `cluster`: an ECS cluster, a group of services.

use super::op;
use crate::error::AwsError;
use crate::paging::{all_pages, side_by_side};
use crate::resource::{Changed, Reader, Resource};
use crate::tags::{Retag, from_pairs};
use crate::writer::Writer;
use async_trait::async_trait;
use aws_sdk_ecs::types;
use iasql_engine::kind::{Errors, Kind, tags, text};
use iasql_engine::{CloudId, Object, Row};

/// The table.
pub static CLUSTER: Kind = Kind {
    errors: Errors {
        absent: &["ClusterNotFoundException"],
        in_use: &[
            "ClusterContainsServicesException",
            "ClusterContainsTasksException",
            "UpdateInProgressException",
        ],
        propagation: &[],
    },
    ..Kind::regional(
        "cluster",
        &[
            text("cluster_name").key().create_only(),
            text("cluster_arn").cloud_filled().cloud_id(),
            text("cluster_status").cloud_filled().volatile(),
            tags(),
        ],
    )
};

/// The calls.
pub struct Cluster;

#[async_trait(?Send)]
impl Resource for Cluster {
    fn kind(&self) -> &'static Kind {
        &CLUSTER
    }

    async fn list(&self, reader: &Reader) -> Result<Vec<Object>, AwsError> {
        let arns = all_pages(op("ListClusters"), async |token| {
            let page = reader
                .read(op("ListClusters"), || {
                    reader
                        .ecs()
                        .list_clusters()
                        .max_results(100)
                        .set_next_token(token.clone())
                        .send()
                })
                .await?;
            Ok((page.cluster_arns.unwrap_or_default(), page.next_token))
        })
        .await?;
        let clusters = side_by_side(arns.chunks(100), |arns| clusters(reader, arns)).await?;
        Ok(clusters.into_iter().flatten().collect())
    }

    async fn describe(&self, reader: &Reader, id: &CloudId) -> Result<Option<Object>, AwsError> {
        let clusters = clusters(reader, &[id.to_string()]).await?;
        Ok(clusters.into_iter().next())
    }

    async fn create(&self, writer: &Writer, row: &Row) -> Result<Object, AwsError> {
        let answer = writer
            .create(
                op("CreateCluster"),
                || {
                    writer
                        .ecs()
                        .create_cluster()
                        .set_cluster_name(row.text("cluster_name").map(str::to_owned))
                        .set_tags(super::tags(row.tags()))
                        .send()
                },
                |answer| answer.cluster()?.cluster_arn().map(CloudId::from),
            )
            .await?;
        let object = answer.cluster().and_then(|cluster| {
            let arn = cluster.cluster_arn()?;
            let row = row
                .clone()
                .with("cluster_arn", arn)
                .with("cluster_status", cluster.status());
            Some(Object::new(writer.region(), arn, row))
        });
        writer.made(object, op("CreateCluster"))
    }

    async fn update(
        &self,
        writer: &Writer,
        object: &Object,
        row: &Row,
        changed: &Changed,
    ) -> Result<(), AwsError> {
        if changed.has("tags") {
            let retag = Retag::between(&object.row, row);
            super::retag(writer, object.id.as_str(), &retag).await?;
        }
        Ok(())
    }

    async fn delete(&self, writer: &Writer, object: &Object) -> Result<(), AwsError> {
        writer
            .write(op("DeleteCluster"), || {
                writer
                    .ecs()
                    .delete_cluster()
                    .cluster(object.id.as_str())
                    .send()
            })
            .await?;
        Ok(())
    }
}

/// Up to a hundred clusters.
async fn clusters(reader: &Reader, arns: &[String]) -> Result<Vec<Object>, AwsError> {
    let answer = reader
        .read(op("DescribeClusters"), || {
            reader
                .ecs()
                .describe_clusters()
                .set_clusters(Some(arns.to_vec()))
                .include(types::ClusterField::Tags)
                .send()
        })
        .await?;
    let clusters = answer.clusters().iter();
    Ok(clusters
        .filter_map(|cluster| object(reader, cluster))
        .collect())
}

/// A deleted cluster stays discoverable for a while as INACTIVE; its name is free at once.
fn object(reader: &Reader, cluster: &types::Cluster) -> Option<Object> {
    if cluster.status() == Some("INACTIVE") {
        return None;
    }
    let arn = cluster.cluster_arn()?;
    let row = Row::new(&CLUSTER)
        .with("cluster_name", cluster.cluster_name())
        .with("cluster_arn", arn)
        .with("cluster_status", cluster.status())
        .with("tags", from_pairs(super::pairs(cluster.tags())));
    Some(Object::new(reader.region(), arn, row))
}
