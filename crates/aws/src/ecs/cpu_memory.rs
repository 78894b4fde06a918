//! The sizes of Fargate tasks, as the column `cpu_memory` names them.

/// The values of the column. Source: "Task size" on the page "Amazon ECS task definition parameters for Fargate".
pub const SIZES: &[&str] = &[
    "vCPU0.25-0.5GB",
    "vCPU0.25-1GB",
    "vCPU0.25-2GB",
    "vCPU0.5-1GB",
    "vCPU0.5-2GB",
    "vCPU0.5-3GB",
    "vCPU0.5-4GB",
    "vCPU1-2GB",
    "vCPU1-3GB",
    "vCPU1-4GB",
    "vCPU1-5GB",
    "vCPU1-6GB",
    "vCPU1-7GB",
    "vCPU1-8GB",
    "vCPU2-4GB",
    "vCPU2-5GB",
    "vCPU2-6GB",
    "vCPU2-7GB",
    "vCPU2-8GB",
    "vCPU2-9GB",
    "vCPU2-10GB",
    "vCPU2-11GB",
    "vCPU2-12GB",
    "vCPU2-13GB",
    "vCPU2-14GB",
    "vCPU2-15GB",
    "vCPU2-16GB",
    "vCPU4-8GB",
    "vCPU4-9GB",
    "vCPU4-10GB",
    "vCPU4-11GB",
    "vCPU4-12GB",
    "vCPU4-13GB",
    "vCPU4-14GB",
    "vCPU4-15GB",
    "vCPU4-16GB",
    "vCPU4-17GB",
    "vCPU4-18GB",
    "vCPU4-19GB",
    "vCPU4-20GB",
    "vCPU4-21GB",
    "vCPU4-22GB",
    "vCPU4-23GB",
    "vCPU4-24GB",
    "vCPU4-25GB",
    "vCPU4-26GB",
    "vCPU4-27GB",
    "vCPU4-28GB",
    "vCPU4-29GB",
    "vCPU4-30GB",
];

/// The name of a size that AWS gives in CPU units and MiB: `vCPU2-8GB`. Not every name is one of the [`SIZES`].
pub fn name(cpu: Option<&str>, memory: Option<&str>) -> Option<String> {
    if cpu.is_none() && memory.is_none() {
        return None;
    }
    let thousands = |units: Option<&str>| match units.and_then(|units| units.parse::<f64>().ok()) {
        Some(units) => (units / 1_024.0).to_string(),
        None => "?".to_owned(),
    };
    Some(format!("vCPU{}-{}GB", thousands(cpu), thousands(memory)))
}

/// The CPU units and the MiB of a size.
pub fn units(name: &str) -> Option<(String, String)> {
    let (vcpu, gigabytes) = name
        .strip_prefix("vCPU")?
        .strip_suffix("GB")?
        .split_once('-')?;
    let units = |text: &str| Some((text.parse::<f64>().ok()? * 1_024.0).to_string());
    Some((units(vcpu)?, units(gigabytes)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_reads_back_as_it_was_written() {
        for size in SIZES {
            let named = units(size).and_then(|(cpu, memory)| name(Some(&cpu), Some(&memory)));
            assert_eq!(named.as_deref(), Some(*size));
        }
    }

    #[test]
    fn units_are_those_of_aws() {
        let pair = |cpu: &str, memory: &str| Some((cpu.to_owned(), memory.to_owned()));
        assert_eq!(units("vCPU0.25-0.5GB"), pair("256", "512"));
        assert_eq!(units("vCPU2-8GB"), pair("2048", "8192"));
    }

    #[test]
    fn other_sizes_are_none_of_the_values() {
        assert_eq!(name(None, None), None);
        for (cpu, memory) in [
            (Some("8192"), Some("16384")),
            (Some("1024"), Some("2500")),
            (Some("512"), Some("512")),
            (None, Some("512")),
            (Some("256"), Some("1 GB")),
        ] {
            let name = name(cpu, memory);
            let none = name.as_deref().is_some_and(|name| !SIZES.contains(&name));
            assert!(none, "{name:?}");
        }
    }
}
