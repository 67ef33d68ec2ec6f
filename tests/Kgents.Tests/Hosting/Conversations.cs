using System.Text.Json;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Sessions;
using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;

namespace Kgents.Tests.Hosting;

/// <summary>Writes to the streams what Kgents would not: the past of a turn, or bytes that nobody can read.</summary>
internal static class Conversations
{
    public static readonly TenantId Tenant = TenantId.Parse("default");

    /// <summary>Stores a user message as the API would; the sequence.</summary>
    public static Task<ulong> AskAsync(KgentsHost host, SessionId session, TurnId turn, long n, string text = "well?") =>
        StoreAsync(host, Subjects.UserMessages(Tenant, session), JsonSerializer.SerializeToUtf8Bytes(
            new UserMessage(turn, n, text, DialogueModes.Reflect, TimeProvider.System.GetUtcNow()), WireJson.Default.UserMessage));

    /// <summary>Appends to a turn's log as some other worker.</summary>
    public static Task<ulong> LogAsync(KgentsHost host, SessionId session, TurnId turn, TurnEvent turnEvent) => StoreAsync(
        host,
        Subjects.Tokens(new TurnAddress(Tenant, session, turn)),
        TurnEventCodec.Encode(turnEvent),
        new NatsHeaders { [TurnHeaders.Event] = TurnEventCodec.KindOf(turnEvent), [TurnHeaders.Writer] = "another:0" });

    public static async Task<ulong> StoreAsync(KgentsHost host, string subject, byte[] payload, NatsHeaders? headers = null)
    {
        var ack = await host.JetStream.PublishAsync(subject, payload, NatsRawSerializer<byte[]>.Default, headers: headers, cancellationToken: TestContext.Current.CancellationToken);
        ack.EnsureSuccess();
        return ack.Seq;
    }

    /// <summary>Makes the queue hold all messages so far for done, so that it brings them to nobody. No worker may be there yet.</summary>
    public static async Task AcknowledgeAllAsync(KgentsHost host)
    {
        var consumer = await host.JetStream.CreateOrUpdateConsumerAsync(
            Streams.Messages.Name, new ConsumerConfig("turn-workers") { FilterSubject = Subjects.AllUserMessages, AckPolicy = ConsumerConfigAckPolicy.Explicit }, TestContext.Current.CancellationToken);
        await foreach (var message in consumer.FetchNoWaitAsync(new NatsJSFetchOpts { MaxMsgs = 100 }, NatsRawSerializer<byte[]>.Default, TestContext.Current.CancellationToken))
        {
            await message.AckAsync(new AckOpts { DoubleAck = true }, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>The stored answers of a session that can be read, in their order.</summary>
    public static async Task<IReadOnlyList<AssistantMessage>> AnswersAsync(KgentsHost host, string session) =>
        await host.Reader.ReadAsync(Streams.Messages.Name, Subjects.AssistantMessages(Tenant, SessionId.Parse(session)), 1, 0, TestContext.Current.CancellationToken)
            .Select(SessionAnswers.TryRead)
            .OfType<AssistantMessage>()
            .ToListAsync(TestContext.Current.CancellationToken);

    /// <summary>Waits until the session's last answer is that of the n-th turn.</summary>
    public static async Task<AssistantMessage> AnswerAsync(KgentsHost host, SessionId session, long n)
    {
        AssistantMessage? answer = null;
        await Eventually.TrueAsync(async () =>
        {
            var last = await host.Reader.LastAsync(Streams.Messages.Name, Subjects.AssistantMessages(Tenant, session), TestContext.Current.CancellationToken);
            answer = last is null ? null : JsonSerializer.Deserialize(last.Data.Span, WireJson.Default.AssistantMessage);
            return answer?.N >= n;
        });
        return answer!;
    }
}
