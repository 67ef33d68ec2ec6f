using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;
using Kgents.Contracts;
using Kgents.Metering.Webhooks.Events;
using Kgents.Streaming.Turns;
using static Kgents.Tests.Documentation.WirePage;

namespace Kgents.Tests.Documentation;

/// <summary>docs/wire.md names every subject, stream, bucket, header and consumer that there is in NATS, and no other.</summary>
public sealed partial class WirePageNatsTests
{
    private static readonly TurnId Turn = TurnId.Parse("t-0123456789abcdef0123456789abcdef");
    private static readonly ApiKeyId Key = ApiKeyId.Parse("k-0123456789abcdef0123456789abcdef");
    private static readonly WebhookId Webhook = WebhookId.Parse("w-0123456789abcdef0123456789abcdef");
    private static readonly WebhookEventId Event = WebhookEventId.Parse("e-0123456789abcdef0123456789abcdef");

    [Fact]
    public void EverySubject_IsNamed()
    {
        var subjects = Constants(typeof(Subjects)).Concat(BuiltSubjects()).Concat([UsageEvent.BillableType, UsageEvent.NonBillableType, UsageEvent.TurnType, UsageEvent.RequestType]).ToHashSet();

        Assert.Equivalent(BuiltSubjects().Distinct().Where(subject => Subject.IsMatch(subject)).Append(Subjects.AllUserMessages).Append(Subjects.UsageOperations), Page.Names("Subjects"), strict: true);
        Assert.Equivalent(subjects.Where(subject => Subject.IsMatch(subject)), Page.Find(Subject), strict: true);
        Assert.All(subjects, subject => Assert.Contains($"`{subject}`", Page.Text, StringComparison.Ordinal));
    }

    [Fact]
    public void EveryStream_IsNamedAsItIs()
    {
        var streams = Values<StreamDefinition>(typeof(Streams)).Select(stream => string.Join(" | ", (string[])
        [
            $"`{stream.Name}`",
            $"`{stream.Subject}`",
            Age(stream.MaxAge),
            stream.MaxBytes < 0 ? "no limit" : $"{stream.MaxBytes >> 30} GiB",
            stream.DiscardNew ? "refuses new" : "drops old",
            $"{stream.DuplicateWindow.TotalMinutes} min",
            stream.Immutable ? "denied" : "allowed",
            stream.RepublishTo is { } destination ? $"`{destination}`" : "",
        ]));

        Assert.Equal(streams, Page.Table("Streams of NATS").Select(row => string.Join(" | ", row)));
        Assert.Equivalent(Values<StreamDefinition>(typeof(Streams)).Select(stream => stream.Name), Page.Find(StreamName), strict: true);
    }

    [Fact]
    public void EveryBucket_IsNamedAsItIs()
    {
        var buckets = Values<BucketDefinition>(typeof(Buckets));

        Assert.Equivalent(buckets.Select(bucket => $"`{bucket.Name}`: {Age(bucket.MaxAge)}"), Page.Table("Buckets").Select(row => $"{row[0]}: {row[2]}"), strict: true);
        Assert.Equivalent(buckets.Select(bucket => bucket.Name), Page.Find(BucketName), strict: true);
    }

    [Fact]
    public void EveryHeaderConsumerAndControlMessage_IsNamed()
    {
        Assert.Equivalent(Constants(typeof(TurnHeaders)), Page.Find(HeaderName), strict: true);
        Assert.Equivalent((string[])[.. Constants(typeof(TurnQueue)), .. Constants(typeof(WebhookFeed))], Page.Names("Consumers"), strict: true);

        var messages = typeof(TurnControlMessages).GetProperties().Select(property => property.Name.ToLowerInvariant());
        Assert.Equal("cancel", Encoding.UTF8.GetString(TurnControlMessages.Cancel));
        Assert.Equivalent(messages.Append("empty"), Page.Names("Control"), strict: true);
    }

    /// <summary>What each method of <see cref="Subjects"/> builds, with names in the place of its arguments.</summary>
    private static IEnumerable<string> BuiltSubjects()
    {
        var (tenant, session) = (TenantId.Parse("tenant"), SessionId.Parse("s789-0123456789abcdef0123456789abcdef"));
        foreach (var method in typeof(Subjects).GetMethods(BindingFlags.Public | BindingFlags.Static).Where(method => method.ReturnType == typeof(string)))
        {
            object[] arguments = [.. method.GetParameters().Select(parameter => parameter.ParameterType switch
            {
                var type when type == typeof(TenantId) => tenant,
                var type when type == typeof(SessionId) => session,
                var type when type == typeof(TurnAddress) => new TurnAddress(tenant, session, Turn),
                var type when type == typeof(ApiKeyId?) => Key,
                var type when type == typeof(WebhookId) => Webhook,
                var type when type == typeof(WebhookEventId) => Event,
                var type when type == typeof(DeliveryAddress) => new DeliveryAddress(tenant, Webhook, Event),
                var type when type == typeof(DateTimeOffset) => DateTimeOffset.FromUnixTimeSeconds(1234567890),
                var type when type == typeof(int) => 789,
                var type when type == typeof(ulong) => 4711UL,
                var type when type == typeof(string) => (object)$"{{{parameter.Name}}}",
                var type => throw new InvalidOperationException($"Subjects.{method.Name} takes a {type.Name}: say here which."),
            })];
            yield return ((string)method.Invoke(null, arguments)!)
                .Replace($"{session}", "{session}", StringComparison.Ordinal)
                .Replace($"{Turn}", "{turn}", StringComparison.Ordinal)
                .Replace($"{Key}", "{key}", StringComparison.Ordinal)
                .Replace($"{Webhook}", "{webhook}", StringComparison.Ordinal)
                .Replace($"{Event}", "{event}", StringComparison.Ordinal)
                .Replace("4711", "{sequence}", StringComparison.Ordinal)
                .Replace("1234567890", "{start}", StringComparison.Ordinal)
                .Replace(".789", ".{p}", StringComparison.Ordinal)
                .Replace(".tenant", ".{tenant}", StringComparison.Ordinal)
                .Replace("tenant.", "{tenant}.", StringComparison.Ordinal);
        }
    }

    private static IReadOnlyList<T> Values<T>(Type type) => [.. type.GetProperties(BindingFlags.Public | BindingFlags.Static).Select(property => property.GetValue(null)).OfType<T>()];

    private static string Age(TimeSpan age) => age == TimeSpan.Zero ? "for ever" : age.TotalDays > 3 ? $"{age.TotalDays} d" : age.TotalHours >= 1 ? $"{age.TotalHours} h" : $"{age.TotalMinutes} min";

    [GeneratedRegex(@"kgents\.[a-z]+\.[^`\s]+")]
    private static partial Regex Subject { get; }

    [GeneratedRegex("KGENTS_[A-Z_]+")]
    private static partial Regex StreamName { get; }

    [GeneratedRegex("kgents_[a-z_]+")]
    private static partial Regex BucketName { get; }

    [GeneratedRegex("Kgents-[A-Za-z-]+")]
    private static partial Regex HeaderName { get; }
}
