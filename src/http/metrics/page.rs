//! Writes families of series.
//!
//! Layer `http`.
//!
//! A family has a name, a help text and a type, and one series for each value of its label. The
//! encoder puts `_total` behind the name of a counter, escapes labels, and adds up the buckets of a
//! histogram.

use std::fmt;

use prometheus_client::encoding::{
    DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, EncodeLabelSet, MetricEncoder,
    NoLabelSet,
};
use prometheus_client::metrics::MetricType;

/// A label and its value.
pub(super) type Label = (&'static str, String);

/// The text so far.
pub(super) struct Page<'a>(DescriptorEncoder<'a>);

/// A histogram: the upper end of each bucket with the number of values in it, and the sum of all
/// values.
pub(super) struct Histogram {
    pub(super) buckets: Vec<(f64, u64)>,
    pub(super) sum: f64,
}

impl Histogram {
    /// The last bucket of `counts` has no upper end.
    pub(super) fn new(bounds: impl Iterator<Item = f64>, counts: &[u64], sum: f64) -> Histogram {
        let bounds = bounds.chain([f64::INFINITY]);
        Histogram {
            buckets: bounds.zip(counts.iter().copied()).collect(),
            sum,
        }
    }

    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let count = self.buckets.iter().map(|(_, count)| count).sum();
        encoder.encode_histogram::<NoLabelSet>(self.sum, count, &self.buckets, None)
    }
}

impl<'a> Page<'a> {
    pub(super) fn new(encoder: DescriptorEncoder<'a>) -> Page<'a> {
        Page(encoder)
    }

    /// A counter. The name is without `_total`.
    pub(super) fn counter(
        &mut self,
        name: &str,
        help: &str,
        value: impl EncodeCounterValue,
    ) -> fmt::Result {
        let mut encoder = self.family(name, help, MetricType::Counter)?;
        encoder.encode_counter::<NoLabelSet, _, f64>(&value, None)
    }

    /// Counters with one label.
    pub(super) fn counters<L: AsRef<str>>(
        &mut self,
        name: &str,
        help: &str,
        label: &'static str,
        values: impl IntoIterator<Item = (L, impl EncodeCounterValue)>,
    ) -> fmt::Result {
        let mut encoder = self.family(name, help, MetricType::Counter)?;
        for (labelled, value) in values {
            let labels = [(label, labelled.as_ref())];
            let mut series = encoder.encode_family(&labels)?;
            series.encode_counter::<NoLabelSet, _, f64>(&value, None)?;
        }
        Ok(())
    }

    /// A gauge.
    pub(super) fn gauge(
        &mut self,
        name: &str,
        help: &str,
        value: impl EncodeGaugeValue,
    ) -> fmt::Result {
        let mut encoder = self.family(name, help, MetricType::Gauge)?;
        encoder.encode_gauge(&value)
    }

    /// A count whose name has no `_total`, which a counter would get.
    pub(super) fn untyped(
        &mut self,
        name: &str,
        help: &str,
        value: impl EncodeGaugeValue,
    ) -> fmt::Result {
        let mut encoder = self.family(name, help, MetricType::Unknown)?;
        encoder.encode_gauge(&value)
    }

    /// Gauges with one label.
    pub(super) fn gauges<L: AsRef<str>>(
        &mut self,
        name: &str,
        help: &str,
        label: &'static str,
        values: impl IntoIterator<Item = (L, impl EncodeGaugeValue)>,
    ) -> fmt::Result {
        let mut encoder = self.family(name, help, MetricType::Gauge)?;
        for (labelled, value) in values {
            let labels = [(label, labelled.as_ref())];
            encoder.encode_family(&labels)?.encode_gauge(&value)?;
        }
        Ok(())
    }

    /// Gauges with labels of their own.
    pub(super) fn labelled_gauges<'l>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (&'l [Label], impl EncodeGaugeValue)>,
    ) -> fmt::Result {
        let mut encoder = self.family(name, help, MetricType::Gauge)?;
        for (labels, value) in values {
            encoder.encode_family(&labels)?.encode_gauge(&value)?;
        }
        Ok(())
    }

    /// Counters with labels of their own.
    pub(super) fn labelled_counters<'l>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (&'l [Label], impl EncodeCounterValue)>,
    ) -> fmt::Result {
        let mut encoder = self.family(name, help, MetricType::Counter)?;
        for (labels, value) in values {
            let mut series = encoder.encode_family(&labels)?;
            series.encode_counter::<NoLabelSet, _, f64>(&value, None)?;
        }
        Ok(())
    }

    /// A series with the value 1, which is there for its labels.
    pub(super) fn info(
        &mut self,
        name: &str,
        help: &str,
        labels: &impl EncodeLabelSet,
    ) -> fmt::Result {
        let mut encoder = self.family(name, help, MetricType::Gauge)?;
        encoder.encode_family(labels)?.encode_gauge(&1_u32)
    }

    /// A histogram.
    pub(super) fn histogram(
        &mut self,
        name: &str,
        help: &str,
        histogram: &Histogram,
    ) -> fmt::Result {
        histogram.encode(self.family(name, help, MetricType::Histogram)?)
    }

    /// Histograms with one label.
    pub(super) fn histograms<L: AsRef<str>>(
        &mut self,
        name: &str,
        help: &str,
        label: &'static str,
        values: impl IntoIterator<Item = (L, Histogram)>,
    ) -> fmt::Result {
        let mut encoder = self.family(name, help, MetricType::Histogram)?;
        for (labelled, histogram) in values {
            let labels = [(label, labelled.as_ref())];
            histogram.encode(encoder.encode_family(&labels)?)?;
        }
        Ok(())
    }

    fn family<'s>(
        &'s mut self,
        name: &'s str,
        help: &str,
        kind: MetricType,
    ) -> Result<MetricEncoder<'s>, fmt::Error> {
        self.0.encode_descriptor(name, help, None, kind)
    }
}
