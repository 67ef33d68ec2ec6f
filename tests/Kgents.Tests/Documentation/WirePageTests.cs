using System.Buffers;
using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Text.RegularExpressions;
using Kgents.Api;
using Kgents.Api.Turns;
using Kgents.Contracts;
using Kgents.Metering.Webhooks.Events;
using Kgents.Streaming.Turns;
using Kgents.Streaming.Usage;

namespace Kgents.Tests.Documentation;

/// <summary>docs/wire.md names every field, event, subject, stream, bucket, header and code that the code has, and no other.</summary>
public sealed partial class WirePageTests
{
    private static readonly MarkdownPage Page = MarkdownPage.Read("wire.md");
    private static readonly TokenCounts Tokens = new(3, 4, TokenCounts.Reported);
    private static readonly TurnId Turn = TurnId.Parse("t-0123456789abcdef0123456789abcdef");
    private static readonly ApiKeyId Key = ApiKeyId.Parse("k-0123456789abcdef0123456789abcdef");
    private static readonly WebhookId Webhook = WebhookId.Parse("w-0123456789abcdef0123456789abcdef");
    private static readonly WebhookEventId Event = WebhookEventId.Parse("e-0123456789abcdef0123456789abcdef");
    private static readonly UsagePayload Usage = new("id", "{}");
    private static readonly AssistantMessage Answer = new(Turn, 1, 1, TurnStatus.Failed, "text", "model", Tokens, TurnErrorCodes.Interrupted, DateTimeOffset.UnixEpoch, SessionTotals.None) { FinishReason = FinishReasons.Stop };

    /// <summary>One of each kind; optional fields are set.</summary>
    private static readonly TurnEvent[] Samples =
    [
        new TurnAccepted(Turn, 1, "model"),
        new TurnChunk("text", 0),
        new TurnUsage(Tokens, Final: false),
        new TurnRestarted(2),
        new TurnHandedOver(),
        new TurnCommitted(TurnStatus.Failed, TurnErrorCodes.Interrupted, "a", "hash", 1, 1, "model", Tokens, DateTimeOffset.UnixEpoch, [Usage]) { FinishReason = FinishReasons.Stop, Decision = new GovernanceDecision(new ProposedAction("action", "reason", 0), new Judgement(false, "escalate", 0, "why", [], [])) },
        new TurnCompleted("text", Tokens, 1, "a", "model") { FinishReason = FinishReasons.Stop },
        new TurnFailed(TurnErrorCodes.Interrupted, "message"),
        new TurnCancelled("a", Tokens),
    ];

    private static readonly Dictionary<string, JsonTypeInfo> Bodies = new()
    {
        ["A new session"] = ApiJson.Default.CreateSessionRequest,
        ["A change of a session"] = ApiJson.Default.ChangeSessionRequest,
        ["A message to send"] = ApiJson.Default.PostMessageRequest,
        ["A question to the soul"] = ApiJson.Default.DialogueRequest,
        ["An operation to judge"] = ApiJson.Default.GovernanceRequest,
        ["What the soul said"] = ApiJson.Default.DialogueResponse,
        ["A judgement"] = ApiJson.Default.GovernanceResponse,
        ["A session"] = ApiJson.Default.SessionResponse,
        ["A page of sessions"] = ApiJson.Default.SessionPage,
        ["A message"] = ApiJson.Default.MessageResponse,
        ["A page of messages"] = ApiJson.Default.MessagePage,
        ["A new tenant"] = ApiJson.Default.CreateTenantRequest,
        ["A change of a tenant"] = ApiJson.Default.ChangeTenantRequest,
        ["A new key"] = ApiJson.Default.CreateKeyRequest,
        ["A change of a key"] = ApiJson.Default.ChangeKeyRequest,
        ["A tenant"] = ApiJson.Default.TenantResponse,
        ["A page of tenants"] = ApiJson.Default.TenantPage,
        ["A key"] = ApiJson.Default.KeyResponse,
        ["A list of keys"] = ApiJson.Default.KeyPage,
        ["A new webhook"] = ApiJson.Default.CreateWebhookRequest,
        ["A change of a webhook"] = ApiJson.Default.ChangeWebhookRequest,
        ["A new secret"] = ApiJson.Default.RotateWebhookRequest,
        ["A webhook"] = ApiJson.Default.WebhookResponse,
        ["A list of webhooks"] = ApiJson.Default.WebhookPage,
        ["A webhook's secret"] = ApiJson.Default.WebhookSecretResponse,
        ["A test event"] = ApiJson.Default.TestResponse,
        ["A delivery"] = ApiJson.Default.DeliveryResponse,
        ["A try to deliver"] = ApiJson.Default.AttemptResponse,
        ["A page of deliveries"] = ApiJson.Default.DeliveryPage,
        ["A decision"] = ApiJson.Default.DecisionRequest,
        ["A correction"] = ApiJson.Default.CorrectUsageRequest,
        ["A dead letter"] = ApiJson.Default.DeadLetterResponse,
        ["A page of dead letters"] = ApiJson.Default.DeadLetterPage,
        ["What was taken back"] = ApiJson.Default.CorrectionResponse,
        ["Usage of a tenant"] = ApiJson.Default.UsageResponse,
        ["How far usage goes"] = ApiJson.Default.UsageThrough,
        ["A row of usage"] = ApiJson.Default.UsageRow,
        ["A reconciliation"] = ApiJson.Default.ReconciliationResponse,
        ["A partition's reconciliation"] = ApiJson.Default.ReconciliationRecord,
        ["Compared usage"] = ApiJson.Default.ReconciledUsage,
        ["A compared quantity"] = ApiJson.Default.ReconciledQuantity,
        ["A difference"] = ApiJson.Default.ReconciledDifference,
        ["A path to invoke"] = ApiJson.Default.InvokeRequest,
        ["An observer"] = ApiJson.Default.ObserverRequest,
        ["Paths to compose"] = ApiJson.Default.ComposeRequest,
        ["What exists"] = ApiJson.Default.PathsResponse,
        ["A node"] = ApiJson.Default.NodeResponse,
        ["What a handle stands for"] = ApiJson.Default.ResolveResponse,
        ["An aspect"] = ApiJson.Default.AspectResponse,
        ["Affordances"] = ApiJson.Default.AffordancesResponse,
        ["What a path answers"] = ApiJson.Default.InvokeResponse,
        ["What a composition answers"] = ApiJson.Default.ComposeResponse,
        ["A step"] = ApiJson.Default.StepResponse,
        ["A ticket"] = ApiJson.Default.TicketResponse,
        ["A turn"] = ApiJson.Default.TurnResponse,
        ["Token counts"] = ApiJson.Default.TokenCounts,
        ["After a gap"] = ApiJson.Default.GapEnd,
        ["Whose events follow"] = ApiJson.Default.TurnName,
        ["A gap of a session"] = ApiJson.Default.LogGap,
    };

    private static readonly Dictionary<string, JsonTypeInfo> Records = new()
    {
        ["user message"] = WireJson.Default.UserMessage,
        ["answer"] = WireJson.Default.AssistantMessage,
        ["totals"] = WireJson.Default.SessionTotals,
        ["commit"] = WireJson.Default.TurnCommitted,
        ["decision"] = WireJson.Default.GovernanceDecision,
        ["usage payload"] = WireJson.Default.UsagePayload,
        ["idempotency"] = WireJson.Default.IdempotencyRecord,
        ["quota"] = WireJson.Default.QuotaRecord,
        ["open turn"] = WireJson.Default.OpenTurn,
        ["open streams"] = WireJson.Default.OpenStreamsRecord,
        ["replica's streams"] = WireJson.Default.ReplicaStreams,
        ["requests"] = WireJson.Default.RequestRateRecord,
        ["deletion"] = WireJson.Default.DeletionOrder,
        ["session"] = WireJson.Default.SessionRecord,
        ["session details"] = WireJson.Default.SessionDetails,
        ["proposed action"] = WireJson.Default.ProposedAction,
        ["judgement"] = WireJson.Default.Judgement,
        ["audit"] = WireJson.Default.AuditRecord,
        ["tenant"] = WireJson.Default.TenantRecord,
        ["slug"] = WireJson.Default.TenantSlugRecord,
        ["key"] = WireJson.Default.ApiKeyRecord,
        ["reconciliation"] = WireJson.Default.ReconciliationRecord,
        ["lease"] = WireJson.Default.LeaseRecord,
        ["dead letter"] = WireJson.Default.DeadLetter,
        ["usage operation"] = WireJson.Default.UsageOperation,
        ["usage answer"] = WireJson.Default.UsageAnswer,
        ["undelivered usage"] = WireJson.Default.UndeliveredUsage,
        ["webhook"] = WireJson.Default.WebhookRecord,
        ["webhook secret"] = WireJson.Default.WebhookSecret,
        ["webhook event"] = WireJson.Default.WebhookEvent,
        ["webhook payload"] = WireJson.Default.WebhookPayload,
        ["webhook delivery"] = WireJson.Default.WebhookDelivery,
        ["webhook attempt"] = WireJson.Default.WebhookAttempt,
        ["entropy"] = WireJson.Default.EntropyRecord,
        ["holon"] = WireJson.Default.HolonRecord,
    };

    /// <summary>What entries of the ledger have in them.</summary>
    private static readonly Dictionary<string, JsonTypeInfo> LedgerParts = new()
    {
        ["a range"] = WireJson.Default.SequenceRange,
        ["a received event"] = WireJson.Default.ReceivedEvent,
        ["a total"] = WireJson.Default.UsageTotal,
        ["counts"] = WireJson.Default.LedgerCounts,
        ["unsettled events"] = WireJson.Default.UnsettledRange,
        ["an hour"] = WireJson.Default.LedgerHour,
        ["a reissued event"] = WireJson.Default.ReissuedEvent,
    };

    [Fact]
    public void EveryBody_IsNamedWithItsFields()
    {
        // What is left out here is an event, which has its own table.
        Assert.Equivalent(Registered(typeof(ApiJson)).Except([typeof(FinalUsage)]), Bodies.Values.Select(body => body.Type).Except([typeof(TokenCounts)]), strict: true);

        Assert.All(Bodies, body => Assert.Equal(Fields(body.Value), Page.Names(body.Key)));
    }

    [Fact]
    public void EveryRecord_IsNamedWithItsFields()
    {
        var own = Registered(typeof(WireJson)).Where(type => !type.IsAssignableTo(typeof(TurnEvent)) || type == typeof(TurnCommitted)).Except([typeof(UsageEvent), typeof(UsageEvent<TurnUsageData>), typeof(UsageEvent<RequestUsageData>), typeof(LedgerEntry)]);
        Assert.Equivalent(own, Records.Values.Select(record => record.Type).Except([typeof(SessionTotals), typeof(UsagePayload), typeof(OpenTurn), typeof(ReplicaStreams), typeof(WebhookSecret), typeof(WebhookAttempt), typeof(UndeliveredUsage)]), strict: true);

        Assert.Equal(Records.Keys, Page.Names("Records"));
        Assert.All(Page.Table("Records"), row => Assert.Equal(Fields(Records[row[0]]), MarkdownPage.Codes(row[2])));
    }

    [Fact]
    public void EveryLedgerEntry_IsNamedWithItsFields()
    {
        var kinds = typeof(LedgerEntry).GetCustomAttributes<System.Text.Json.Serialization.JsonDerivedTypeAttribute>().ToList();
        Assert.Equivalent(typeof(LedgerEntry).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(LedgerEntry))), kinds.Select(kind => kind.DerivedType), strict: true);

        var common = Fields(WireJson.Default.LedgerEntry).ToList();
        var entries = kinds.Select(kind => ($"`{kind.TypeDiscriminator}`", Fields(WireJson.Default.GetTypeInfo(kind.DerivedType)!).Except(common)));
        var rows = entries.Prepend(("every one", common.Prepend("kind"))).Concat(LedgerParts.Select(part => (part.Key, Fields(part.Value))));
        Assert.Equal(rows.Select(row => $"{row.Item1}: {string.Join(' ', row.Item2)}"), Page.Table("Ledger").Select(row => $"{row[0]}: {string.Join(' ', MarkdownPage.Codes(row[1]))}"));
    }

    [Fact]
    public void EveryEvent_IsNamedWithItsFields()
    {
        var kinds = typeof(TurnEvent).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(TurnEvent)));
        Assert.Equivalent(kinds, Samples.Select(sample => sample.GetType()), strict: true);
        Assert.Equivalent(Constants(typeof(TurnEventCodec)), Samples.Select(TurnEventCodec.KindOf), strict: true);

        var written = Samples.Select(sample => (Entry: TurnEventCodec.KindOf(sample), Frame: Frames(Written(sample)).SingleOrDefault()))
            .Select(each => $"{each.Entry}: {each.Frame.Event ?? "none"} {string.Join(' ', each.Frame.Fields ?? [])}");
        var documented = Page.Table("Events").Select(row => $"{row[0].Trim('`')}: {row[1].Trim('`')} {string.Join(' ', MarkdownPage.Codes(row[2]))}");
        Assert.Equal(written, documented);
    }

    [Fact]
    public void EveryExample_IsWhatTheCodeWrites()
    {
        var fields = Page.Table("Events").Where(row => row[1] != "none").DistinctBy(row => row[1]).ToDictionary(row => row[1].Trim('`'), row => MarkdownPage.Codes(row[2]));
        var frames = Page.Examples("sse").SelectMany(Frames).ToList();
        Assert.Equal(["accepted", "chunk", "chunk", "usage", "complete", "error", "cancelled"], frames.Select(frame => frame.Event));
        Assert.All(frames, frame => Assert.Equal(fields[frame.Event], frame.Fields));

        var gap = Assert.Single(Page.Examples("gap").SelectMany(Frames));
        Assert.Equal(Fields(ApiJson.Default.GapEnd).Except(["code", "message"]), gap.Fields);
        Assert.Equal("error", Frames(Written(output => TurnSse.WriteGap(output, Answer))).Single().Event);

        // Each begins with where it begins, one by an id alone and one by a gap.
        Assert.Equal(
            [
                Opening(5) + Written(output => TurnSse.WriteTurn(output, TurnId.Parse("t-01a2075b02ef7999b7ba555e57c36b05"))),
                Opening(null) + Written(output => TurnSse.WriteLogGap(output, 5, 9041)),
            ],
            Page.Examples("session").Select(example => example.Split("id: 6\n")[0].TrimEnd('\n') + "\n\n"));
        Assert.Equal(["turn", "gap"], Page.Names("All turns of a session"));

        Assert.StartsWith(Opening(0), Page.Examples("sse")[0], StringComparison.Ordinal);
        var usage = JsonSerializer.Deserialize(Page.Examples("json")[^1], WireJson.Default.UsageEvent);
        Assert.Equal(Page.Examples("json")[^1].TrimEnd(), JsonSerializer.Serialize(usage, WireJson.Default.UsageEvent));
    }

    [Fact]
    public void EveryErrorCodeAndOutcome_IsNamed()
    {
        Assert.Equivalent(Constants(typeof(TurnErrorCodes)), Page.Names("Error codes"), strict: true);
        Assert.Equivalent(Constants(typeof(ModelCall)).Append(TurnErrorCodes.ReplyTooLong), Page.Names("Outcomes"), strict: true);
    }

    [Fact]
    public void UsageEvent_IsNamedWithItsFields() => Assert.Equivalent(
        Fields(WireJson.Default.UsageEvent).Concat(Fields(WireJson.Default.UsageData).Select(field => $"data.{field}")), Page.Names("Usage"), strict: true);

    [Fact]
    public void EventsOfTurnsAndRequests_AreNamedWithTheirFields()
    {
        Assert.Equal(Fields(WireJson.Default.TurnUsageData), Page.Names("Usage of a turn"));
        Assert.Equal(Fields(WireJson.Default.RequestUsageData), Page.Names("Usage of the API"));
    }

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
    private static string Opening(ulong? after) => Written(output => TurnSse.WriteOpening(output, new TurnStreamOptions().ReconnectDelay, after));

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

    private static IEnumerable<(string Event, IReadOnlyList<string> Fields)> Frames(string sse) => sse
        .Split("\n\n", StringSplitOptions.RemoveEmptyEntries)
        .Select(frame => frame.TrimEnd().Split('\n'))
        .Where(lines => lines.Any(line => line.StartsWith("data: ", StringComparison.Ordinal)))
        .Select(lines => (
            lines.Single(line => line.StartsWith("event: ", StringComparison.Ordinal))["event: ".Length..],
            (IReadOnlyList<string>)[.. JsonElement.Parse(lines.Single(line => line.StartsWith("data: ", StringComparison.Ordinal))["data: ".Length..]).EnumerateObject().Select(field => field.Name)]));

    private static string Written(TurnEvent sample) =>
        Written(output => TurnSse.Write(output, new TurnEntry(1, "s", TurnEventCodec.KindOf(sample), TurnEventCodec.Encode(sample))));

    private static string Written(Action<IBufferWriter<byte>> write)
    {
        var output = new ArrayBufferWriter<byte>();
        write(output);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }

    private static IEnumerable<string> Fields(JsonTypeInfo type) => type.Properties.Where(property => property.Get is not null).OrderBy(property => property.Order).Select(property => property.Name);

    /// <summary>The types that a context was told of, without those that come with them.</summary>
    private static IEnumerable<Type> Registered(Type context) => context.GetCustomAttributesData()
        .Where(attribute => attribute.AttributeType == typeof(System.Text.Json.Serialization.JsonSerializableAttribute))
        .Select(attribute => (Type)attribute.ConstructorArguments[0].Value!);

    private static IEnumerable<string> Constants(Type type) => type
        .GetFields(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static)
        .Where(field => field is { IsLiteral: true } && field.FieldType == typeof(string))
        .Select(field => (string)field.GetRawConstantValue()!);

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
