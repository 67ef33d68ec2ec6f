using System.Diagnostics.Metrics;
using System.Reflection;
using System.Text.RegularExpressions;
using Kgents.Tests.Telemetry;

namespace Kgents.Tests.Documentation;

/// <summary>docs/operations.md names every metric, as the code has it, and each is moved by a test.</summary>
public sealed partial class OperationsPageTests
{
    private static readonly string[] Unbounded = ["tenant", "session", "turn", "user", "key", "id"];

    [Fact]
    public async Task Metrics_AreThoseOfTheCode()
    {
        var metrics = await ProductMetrics.ReadAsync();

        Assert.True(metrics.Count > 25, $"Only {metrics.Count} metrics were found.");
        Assert.Equal(
            metrics.Select(metric => (metric.Name, KindOf(metric), metric.Unit ?? "", metric.Description!)),
            OperationsPage.Metrics.Select(metric => (metric.Name, metric.Kind, metric.Unit, metric.Description)));
    }

    [Fact]
    public void Metrics_HaveNoAttributeWithoutABound() =>
        Assert.All(OperationsPage.Metrics.SelectMany(metric => metric.Attributes), attribute => Assert.DoesNotContain(attribute.Split('.', '_'), Unbounded.Contains));

    [Fact]
    public async Task EachMetric_IsMovedByATest()
    {
        var measured = typeof(OperationsPageTests).Assembly.GetTypes().SelectMany(type => type.GetMethods()).SelectMany(method => method.GetCustomAttributes<MeasuresAttribute>()).SelectMany(each => each.Names).ToHashSet();

        var metrics = (await ProductMetrics.ReadAsync()).Select(metric => metric.Name).ToList();
        Assert.Empty(metrics.Except(measured));
        Assert.Empty(measured.Except(metrics));
    }

    /// <summary>As OpenTelemetry wants them: lower case, a namespace, no unit and no <c>total</c> in the name.</summary>
    [Fact]
    public async Task Names_FollowTheConventions() => Assert.All(await ProductMetrics.ReadAsync(), metric =>
    {
        Assert.Matches(Form, metric.Name);
        Assert.DoesNotMatch("_(total|seconds|count)$", metric.Name);
        Assert.True(metric.Unit is { Length: > 0 } || metric.Name == "kgents.metering.openmeter_deduplicates", metric.Name);
    });

    private static string KindOf(Instrument instrument) => instrument.GetType().Name switch
    {
        var name when name.StartsWith("Counter", StringComparison.Ordinal) => "counter",
        var name when name.StartsWith("UpDownCounter", StringComparison.Ordinal) => "up-down counter",
        var name when name.StartsWith("Histogram", StringComparison.Ordinal) => "histogram",
        _ => "gauge",
    };

    [GeneratedRegex(@"^kgents(\.[a-z]+(_[a-z]+)*)+$")]
    private static partial Regex Form { get; }
}
