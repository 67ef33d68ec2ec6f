using System.Buffers;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;

namespace Kgents.ServiceDefaults.Nats;

/// <summary>
/// Reads single messages from a stream's leader, for every decision, and runs of messages by batch direct get, for catching up. A follower
/// may answer a direct get, and it may be behind: in a cluster 7.5 % of the reads right after an ack were stale.
/// </summary>
public sealed class JetStreamReader(INatsJSContext jetStream)
{
    private const int NoMessageFound = 10037;
    private const int BatchSize = 256;
    private const int EndOfBatch = 204;
    private const int NotFound = 404;

    /// <summary>What the server takes in one request.</summary>
    public const int MostSubjects = 1024;

    /// <summary>For a whole batch; between two messages the request timeout holds.</summary>
    private static readonly TimeSpan BatchTimeout = TimeSpan.FromSeconds(30);

    /// <summary>The last message of a subject, which may be a wildcard here and everywhere below, from the leader.</summary>
    public ValueTask<StoredEntry?> LastAsync(string stream, string subject, CancellationToken cancellationToken) =>
        GetAsync(stream, new MessageGetRequest(null, null, subject), cancellationToken);

    /// <summary>The first message of a subject with at least this sequence, from the leader.</summary>
    public ValueTask<StoredEntry?> NextAsync(string stream, string subject, ulong sequence, CancellationToken cancellationToken) =>
        GetAsync(stream, new MessageGetRequest(sequence, subject, null), cancellationToken);

    /// <summary>The first sequence that a stream still has and the last that it was given, from the leader. What is before the first is gone.</summary>
    public async ValueTask<(ulong First, ulong Last)> RangeAsync(string stream, CancellationToken cancellationToken)
    {
        var state = (await jetStream.GetStreamAsync(stream, cancellationToken: cancellationToken)).Info.State;
        return (state.FirstSeq, state.LastSeq);
    }

    /// <summary>What time it is where a stream's messages get their times, which no clock of ours can say.</summary>
    public async ValueTask<DateTimeOffset> TimeAsync(string stream, CancellationToken cancellationToken) =>
        (await jetStream.GetStreamAsync(stream, cancellationToken: cancellationToken)).Info.Ts;

    /// <summary>
    /// All messages of a subject from a sequence to the end, in order. With <paramref name="upTo"/>, which the caller knows from the leader,
    /// the run is complete up to there even where a follower is behind; without it, it ends where the answering server's copy ends.
    /// </summary>
    /// <param name="batch">How many are asked for at once: fewer for who takes only so many.</param>
    public async IAsyncEnumerable<StoredEntry> ReadAsync(
        string stream, string subject, ulong from, ulong upTo, [EnumeratorCancellation] CancellationToken cancellationToken, int batch = BatchSize)
    {
        var next = from;
        await foreach (var entry in ReadAsync(stream, new BatchGetRequest(Math.Max(from, 1), null, subject, batch), cancellationToken))
        {
            next = entry.Sequence + 1;
            yield return entry;
        }

        while (next <= upTo && await NextAsync(stream, subject, next, cancellationToken) is { } entry)
        {
            next = entry.Sequence + 1;
            yield return entry;
        }
    }

    /// <summary>The messages of a subject that were stored since an instant, by the clock of NATS, in order: what is before is not read. It ends where the answering server's copy ends.</summary>
    public IAsyncEnumerable<StoredEntry> ReadSinceAsync(string stream, string subject, DateTimeOffset since, CancellationToken cancellationToken) =>
        ReadAsync(stream, new BatchGetRequest(null, since.ToUniversalTime(), subject, BatchSize), cancellationToken);

    /// <summary>The last message of each subject that has one, in one request. It may be answered by a follower, which may be behind.</summary>
    /// <param name="subjects">At most <see cref="MostSubjects"/>.</param>
    public async IAsyncEnumerable<StoredEntry> LastOfEachAsync(string stream, IReadOnlyList<string> subjects, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (subjects.Count == 0)
        {
            yield break;
        }

        var request = JsonSerializer.SerializeToUtf8Bytes(new LastOfEachRequest(subjects), ReaderJson.Default.LastOfEachRequest);
        await foreach (var (entry, _) in DirectGetAsync(stream, request, cancellationToken))
        {
            yield return entry;
        }
    }

    /// <summary>Batch after batch, until a server says that there is no more.</summary>
    private async IAsyncEnumerable<StoredEntry> ReadAsync(string stream, BatchGetRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var more = true;
        while (more)
        {
            more = false;
            await foreach (var (entry, pending) in DirectGetAsync(stream, JsonSerializer.SerializeToUtf8Bytes(request, ReaderJson.Default.BatchGetRequest), cancellationToken))
            {
                more = pending > 0;
                request = request with { Sequence = entry.Sequence + 1, Since = null };
                yield return entry;
            }
        }
    }

    private async IAsyncEnumerable<(StoredEntry Entry, long Pending)> DirectGetAsync(string stream, byte[] request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var replies = jetStream.Connection.RequestManyAsync<byte[], byte[]>(
            $"{jetStream.Opts.Prefix}.DIRECT.GET.{stream}",
            request,
            requestSerializer: NatsRawSerializer<byte[]>.Default,
            replySerializer: NatsRawSerializer<byte[]>.Default,
            replyOpts: new NatsSubOpts { StopOnEmptyMsg = false, IdleTimeout = jetStream.Opts.RequestTimeout, Timeout = BatchTimeout, ThrowIfNoResponders = true },
            cancellationToken: cancellationToken);

        await foreach (var reply in replies)
        {
            if (reply.Headers is not { } headers || headers.Code is EndOfBatch or NotFound)
            {
                yield break;
            }

            if (headers.Code >= 400)
            {
                throw new NatsJSException($"Reading {stream} was refused: {headers.Code} {headers.MessageText}");
            }

            yield return (Parse(reply.Data ?? [], headers), Number(headers, "Nats-Num-Pending"));
        }

        // The replies stopped before the end of the batch was said: whoever asked must not take this for the end of the log.
        throw new NatsNoReplyException();
    }

    private async ValueTask<StoredEntry?> GetAsync(string stream, MessageGetRequest request, CancellationToken cancellationToken)
    {
        var reply = await AskAsync(stream, request, cancellationToken);
        return Found(stream, reply?.Message, reply?.Error) is { } message
            ? new StoredEntry(message.Sequence, message.Subject, message.Data, ParseHeaders(message.Headers), message.Time)
            : null;
    }

    /// <summary>The message, or null where there is none.</summary>
    private static T? Found<T>(string stream, T? message, ApiError? error)
        where T : class =>
        (message, error) switch
        {
            (not null, _) => message,
            (null, { ErrCode: NoMessageFound }) => null,
            (null, not null) => throw new NatsJSApiException(error),
            _ => throw new NatsJSException($"Reading {stream} was answered by nothing that can be read."),
        };

    /// <summary>Asked without NATS.Net's own call, for which a message that is not there is an exception, and each answer costs several kilobytes.</summary>
    private async ValueTask<MessageGetReply?> AskAsync(string stream, MessageGetRequest request, CancellationToken cancellationToken)
    {
        // Not cut short, since it takes no longer than a request may: whoever follows a turn for hours would hold a registration for each read of its first second.
        cancellationToken.ThrowIfCancellationRequested();
        var reply = await jetStream.Connection.RequestAsync<byte[], byte[]>(
            $"{jetStream.Opts.Prefix}.STREAM.MSG.GET.{stream}",
            JsonSerializer.SerializeToUtf8Bytes(request, ReaderJson.Default.MessageGetRequest),
            requestSerializer: NatsRawSerializer<byte[]>.Default,
            replySerializer: NatsRawSerializer<byte[]>.Default,
            cancellationToken: CancellationToken.None);
        return JsonSerializer.Deserialize(reply.Data, ReaderJson.Default.MessageGetReply);
    }

    private static StoredEntry Parse(byte[] data, NatsHeaders headers) => new(
        (ulong)Number(headers, "Nats-Sequence"),
        headers["Nats-Subject"].ToString(),
        data,
        headers,
        DateTimeOffset.Parse(headers["Nats-Time-Stamp"].ToString(), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal));

    private static long Number(NatsHeaders headers, string name) =>
        headers.TryGetValue(name, out var value) && long.TryParse(value.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;

    private NatsHeaders ParseHeaders(byte[]? bytes)
    {
        var headers = new NatsHeaders();
        if (bytes is not null)
        {
            jetStream.Connection.HeaderParser.ParseHeaders(new SequenceReader<byte>(new ReadOnlySequence<byte>(bytes)), headers);
        }

        return headers;
    }
}
