using System.Diagnostics;
using System.Globalization;
using System.Threading.Channels;
using Kgents.Bench.Model;
using Kgents.Bench.Viewers;
using Kgents.Contracts;
using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;

namespace Kgents.Bench.Floors;

/// <summary>What a turn's log costs without Kgents: the same fenced appends, with the same headers, to a stream that is configured alike, by the same client.</summary>
internal sealed class BareLog : IAsyncDisposable
{
    public const string Stream = "BENCH_TOKENS";
    private readonly NatsConnection writing;
    private readonly NatsConnection reading;
    private readonly NatsJSContext jetStream;

    private BareLog(string url)
    {
        writing = new NatsConnection(new NatsOpts { Url = url, Name = "bench-writer" });
        reading = new NatsConnection(new NatsOpts { Url = url, Name = "bench-reader" });
        jetStream = new NatsJSContext(writing);
    }

    public static async Task<BareLog> StartAsync(string url, CancellationToken cancellationToken)
    {
        var log = new BareLog(url);
        await log.jetStream.CreateOrUpdateStreamAsync(
            new StreamConfig(Stream, ["bench.tokens.>"])
            {
                Storage = StreamConfigStorage.File,
                MaxAge = Streams.Tokens.MaxAge,
                MaxBytes = Streams.Tokens.MaxBytes,
                DuplicateWindow = Streams.Tokens.DuplicateWindow,
                AllowDirect = true,
                Republish = new Republish { Src = "bench.tokens.>", Dest = "bench.live.>" },
            },
            cancellationToken);
        return log;
    }

    /// <summary>A subject as long as a turn's.</summary>
    public static string NewSubject() => $"bench.tokens.0.default.s0-{Guid.NewGuid():n}.t-{Guid.NewGuid():n}";

    public static string LiveOf(string subject) => subject.Replace("bench.tokens.", "bench.live.", StringComparison.Ordinal);

    /// <summary>A chunk's JSON of this size, and at least one token's.</summary>
    public static byte[] Payload(int size)
    {
        var text = "{\"text\":\""u8;
        var payload = new byte[Math.Max(size, text.Length + TokenStamp.Length + 12)];
        payload.AsSpan().Fill((byte)' ');
        text.CopyTo(payload);
        "\",\"index\":0}"u8.CopyTo(payload.AsSpan(payload.Length - 12));
        TokenStamp.Write(payload.AsSpan(text.Length), Stopwatch.GetTimestamp());
        return payload;
    }

    public async Task<ulong> AppendAsync(string subject, byte[] payload, ulong last, string run, int index, CancellationToken cancellationToken)
    {
        var headers = new NatsHeaders
        {
            [TurnHeaders.Event] = TurnEventCodec.Chunk,
            [TurnHeaders.Writer] = string.Create(CultureInfo.InvariantCulture, $"{run}:{index}"),
        };
        var ack = await jetStream.PublishAsync(
            subject, payload, NatsRawSerializer<byte[]>.Default, new NatsJSPubOpts { ExpectedLastSubjectSequence = last, RetryAttempts = 1 }, headers, cancellationToken);
        ack.EnsureSuccess();
        return ack.Seq;
    }

    /// <summary>Appends to a subject of its own, the next when the one before is acknowledged, until it is cancelled.</summary>
    public async Task AppendAllAsync(int size, Action appended, CancellationToken cancellationToken)
    {
        var (subject, run, last) = (NewSubject(), Guid.NewGuid().ToString("n"), 0UL);
        var payload = Payload(size);
        try
        {
            for (var index = 0; ; index++)
            {
                last = await AppendAsync(subject, payload, last, run, index, cancellationToken);
                appended();
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The window is over.
        }
    }

    /// <summary>One token an append at a fixed rate, and a core subscriber that says how old each is.</summary>
    public async Task RelayAsync(double perSecond, Latencies latencies, CancellationToken cancellationToken)
    {
        var subject = NewSubject();
        await using var live = await reading.SubscribeCoreAsync(LiveOf(subject), serializer: NatsRawSerializer<byte[]>.Default, cancellationToken: CancellationToken.None);
        await reading.PingAsync(cancellationToken);
        var tokens = Channel.CreateUnbounded<byte[]>();
        try
        {
            await Task.WhenAll(SayAsync(perSecond, tokens.Writer, cancellationToken), CarryAsync(subject, tokens.Reader, cancellationToken), SeeAsync(live, latencies, cancellationToken));
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The window is over.
        }
    }

    public IAsyncEnumerable<NatsMsg<byte[]>> DirectGetAsync(string request, CancellationToken cancellationToken) => reading.RequestManyAsync(
        $"$JS.API.DIRECT.GET.{Stream}",
        System.Text.Encoding.UTF8.GetBytes(request),
        requestSerializer: NatsRawSerializer<byte[]>.Default,
        replySerializer: NatsRawSerializer<byte[]>.Default,
        replyOpts: new NatsSubOpts { StopOnEmptyMsg = false, IdleTimeout = TimeSpan.FromSeconds(5), ThrowIfNoResponders = true },
        cancellationToken: cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await writing.DisposeAsync();
        await reading.DisposeAsync();
    }

    private static async Task SayAsync(double perSecond, ChannelWriter<byte[]> tokens, CancellationToken cancellationToken)
    {
        var pacer = new Pacer(perSecond);
        while (true)
        {
            for (var due = await pacer.NextAsync(cancellationToken); due > 0; due--)
            {
                await tokens.WriteAsync(Payload(0), cancellationToken);
            }
        }
    }

    private async Task CarryAsync(string subject, ChannelReader<byte[]> tokens, CancellationToken cancellationToken)
    {
        var (run, last, index) = (Guid.NewGuid().ToString("n"), 0UL, 0);
        await foreach (var payload in tokens.ReadAllAsync(cancellationToken))
        {
            last = await AppendAsync(subject, payload, last, run, index++, cancellationToken);
        }
    }

    private static async Task SeeAsync(INatsSub<byte[]> live, Latencies latencies, CancellationToken cancellationToken)
    {
        await foreach (var message in live.Msgs.ReadAllAsync(cancellationToken))
        {
            latencies.Record(TokenStamp.Read(TokenStamp.Of(message.Data), 0), Stopwatch.GetTimestamp());
        }
    }
}
