using System.Diagnostics.Metrics;
using System.Text.Json;
using System.Text.RegularExpressions;
using Kgents.Testing;
using Kgents.Tests.Deployment;
using Kgents.Tests.Documentation;

namespace Kgents.Tests.Telemetry;

/// <summary>Alerts and dashboard ask for metrics that there are, by labels that these have; and who is woken finds what to do.</summary>
public sealed partial class DashboardTests
{
    /// <summary>Of Prometheus itself, and of every target.</summary>
    private static readonly string[] CommonLabels = ["job", "le", "instance"];

    private static readonly string Alerts = File.ReadAllText(Path.Combine(Repository.Root, "deploy", "prometheus", "alerts.yaml"));
    private static readonly string Dashboard = File.ReadAllText(Path.Combine(Repository.Root, "deploy", "grafana", "kgents.json"));

    private static IReadOnlyList<string> Expressions => [.. Expression.Matches(Alerts).Select(rule => rule.Groups[1].Value)];

    /// <summary>But those that ask kube-state-metrics.</summary>
    private static IReadOnlyList<string> Rules => [.. Expressions.Where(rule => !rule.Contains("kube_", StringComparison.Ordinal))];

    private static IReadOnlyList<string> Queries => [.. Targets(JsonDocument.Parse(Dashboard).RootElement).Select(target => target.GetProperty("expr").GetString()!)];

    [Fact]
    public async Task EveryQuery_AsksForMetricsThatThereAre()
    {
        var names = (await ProductMetrics.ReadAsync()).SelectMany(NamesOf).ToHashSet();

        Assert.True(Rules.Count > 15 && Queries.Count > 30, $"{Rules.Count} rules, {Queries.Count} queries");
        Assert.Empty(Rules.Concat(Queries).SelectMany(query => Metric.Matches(query)).Select(found => found.Value).Except(names));
        Assert.All(Rules.Concat(Queries), query => Assert.Matches(Metric, query));
    }

    [Fact]
    public void EveryQuery_UsesLabelsThatItsMetricsHave() => Assert.All(Rules.Concat(Queries), query =>
    {
        var metrics = OperationsPage.Metrics.Where(metric => Metric.Matches(query).Any(found => found.Value.StartsWith(metric.Name.Replace('.', '_'), StringComparison.Ordinal)));
        var known = metrics.SelectMany(metric => metric.Attributes).Select(attribute => attribute.Replace('.', '_')).Concat(CommonLabels);
        var used = Matcher.Matches(query).Select(found => found.Groups[1].Value).Concat(Grouping.Matches(query).SelectMany(found => found.Groups[1].Value.Split(',', StringSplitOptions.TrimEntries)));
        Assert.Empty(used.Except(known));
    });

    [Fact]
    public async Task EveryMetric_IsOnTheDashboard()
    {
        var asked = Queries.SelectMany(query => Metric.Matches(query)).Select(found => found.Value).ToHashSet();

        Assert.Empty((await ProductMetrics.ReadAsync()).Where(metric => !NamesOf(metric).Any(asked.Contains)).Select(metric => metric.Name));
    }

    [Fact]
    public void EveryAlert_HasItsRunbook_AndEveryRunbookItsAlert()
    {
        var alerts = Name.Matches(Alerts).Select(alert => alert.Groups[1].Value).ToList();
        var runbooks = OperationsPage.Page.Text.Split('\n').Where(line => line.StartsWith("### Kgents", StringComparison.Ordinal)).Select(line => line[4..]).ToList();

        Assert.Equal(Expressions.Count, alerts.Count);
        Assert.Equal(alerts, runbooks);

        // Where the pages are is said once, in Prometheus; an anchor is a heading in small letters.
        Assert.Equal(alerts.Select(alert => $$$"""'{{ or $externalLabels.kgents_docs "docs" }}/operations.md#{{{alert.ToLowerInvariant()}}}'"""), Runbook.Matches(Alerts).Select(url => url.Groups[1].Value));
        Assert.Equal(alerts.Count, SeverityLine.Count(Alerts));
    }

    /// <summary>A counter comes into being with its first count, and what has no value before is no increase to Prometheus. One that was not scraped for some hours is no new one.</summary>
    [Fact]
    public void AlertOfASingleCount_SeesTheFirstOneOfAProcess()
    {
        var counts = Rules.SelectMany(rule => Single.Matches(rule).Select(found => (Rule: rule, Metric: found.Groups[1].Value, Span: found.Groups[2].Value))).ToList();

        Assert.Equal(3, counts.Count);
        Assert.All(counts, count => Assert.Contains($"or sum({count.Metric} unless last_over_time({count.Metric}[1d] offset {count.Span})) > 0", count.Rule, StringComparison.Ordinal));
    }

    /// <summary>It fires until there was a first backup, too, and leaves a night and half a day for it.</summary>
    [Fact]
    public void BackupsAlert_AsksForTheJobThatThereIs()
    {
        var job = Yaml.ReadOne("k8s", "operations", "backup.yaml");
        var rule = Assert.Single(Expressions.Except(Rules));

        Assert.Equal(2, Regex.Count(rule, $$"""kube_cronjob_[a-z_]+\{namespace="kgents", cronjob="{{job.Text("metadata", "name")}}"\}"""));
        Assert.EndsWith($"> {TimeSpan.FromHours(36).TotalSeconds}", rule, StringComparison.Ordinal);
        Assert.EndsWith(" * * *", job.Text("spec", "schedule"), StringComparison.Ordinal);
    }

    [Fact]
    public void Panels_HaveIdsOfTheirOwn_AndDoNotLieOverOneAnother()
    {
        var panels = JsonDocument.Parse(Dashboard).RootElement.GetProperty("panels").EnumerateArray().ToList();
        var places = panels.SelectMany(panel => Cells(panel.GetProperty("gridPos"))).ToList();

        Assert.Equal(panels.Count, panels.Select(panel => panel.GetProperty("id").GetInt32()).Distinct().Count());
        Assert.Equal(places.Count, places.Distinct().Count());
        Assert.All(places, place => Assert.InRange(place.X, 0, 23));
    }

    /// <summary>As Prometheus' OTLP receiver and the exporters of OpenTelemetry translate them.</summary>
    private static IEnumerable<string> NamesOf(Instrument instrument)
    {
        var kind = instrument.GetType().Name;
        var isGauge = kind.StartsWith("ObservableGauge", StringComparison.Ordinal);
        var name = instrument.Name.Replace('.', '_') + instrument.Unit switch
        {
            "s" => "_seconds",
            "1" when isGauge => "_ratio",
            _ => "",
        };
        return kind.StartsWith("Histogram", StringComparison.Ordinal) ? [name + "_bucket", name + "_count", name + "_sum"]
            : kind.StartsWith("Counter", StringComparison.Ordinal) ? [name + "_total"]
            : [name];
    }

    private static IEnumerable<JsonElement> Targets(JsonElement dashboard) =>
        dashboard.GetProperty("panels").EnumerateArray().Where(panel => panel.TryGetProperty("targets", out _)).SelectMany(panel => panel.GetProperty("targets").EnumerateArray());

    private static IEnumerable<(int X, int Y)> Cells(JsonElement place) =>
        from x in Enumerable.Range(place.GetProperty("x").GetInt32(), place.GetProperty("w").GetInt32())
        from y in Enumerable.Range(place.GetProperty("y").GetInt32(), place.GetProperty("h").GetInt32())
        select (x, y);

    [GeneratedRegex("^ +expr: (.+)$", RegexOptions.Multiline)]
    private static partial Regex Expression { get; }

    [GeneratedRegex("^ +- alert: (.+)$", RegexOptions.Multiline)]
    private static partial Regex Name { get; }

    [GeneratedRegex(@"increase\((\w+)\[(\w+)\]\)\) > 0")]
    private static partial Regex Single { get; }

    [GeneratedRegex("^ +runbook_url: (.+)$", RegexOptions.Multiline)]
    private static partial Regex Runbook { get; }

    [GeneratedRegex("^ +severity: (critical|warning|info)$", RegexOptions.Multiline)]
    private static partial Regex SeverityLine { get; }

    /// <summary>Not a value in quotes, as the name of a bucket is.</summary>
    [GeneratedRegex("""(?<!["a-z_])kgents_[a-z_]+""")]
    private static partial Regex Metric { get; }

    [GeneratedRegex(@"[{,]\s*([a-z_]+)\s*(?:=~|!~|!=|=)\s*""")]
    private static partial Regex Matcher { get; }

    [GeneratedRegex(@"\bby \(([^)]*)\)")]
    private static partial Regex Grouping { get; }
}
