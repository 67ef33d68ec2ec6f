using System.Buffers;
using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using NATS.Client.Core;

namespace Kgents.Api.Turns;

/// <summary>The answers to all questions of a <see cref="TailReader"/>, each under its number. Not in the inbox of the connection, of which NATS.Net takes each message for an answer to a request of its own.</summary>
internal sealed class TailAnswers(INatsConnection connection, ConcurrentDictionary<long, TailQuestion> asked)
    : NatsSubBase(connection, connection.SubscriptionManager, $"{connection.Opts.InboxPrefix}.{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8))}.*", queueGroup: null, opts: null)
{
    private const int NoMessageFound = 10037;

    public string AddressOf(TailQuestion question) => string.Create(CultureInfo.InvariantCulture, $"{Address}{question.Number}");

    /// <summary>Called by the connection's one reading loop; it must neither wait nor throw.</summary>
    protected override ValueTask ReceiveInternalAsync(string subject, string? replyTo, ReadOnlySequence<byte>? headersBuffer, ReadOnlySequence<byte> payloadBuffer)
    {
        if (long.TryParse(subject.AsSpan(Address.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && asked.TryRemove(number, out var question))
        {
            question.TrySetResult(Read(payloadBuffer));
        }

        return ValueTask.CompletedTask;
    }

    protected override void TryComplete()
    {
        // It lasts as long as the connection.
    }

    private ReadOnlySpan<char> Address => Subject.AsSpan(..^1);

    /// <summary>Null for what is no answer: nobody was there to give one, or the stream is not.</summary>
    private static Tail? Read(in ReadOnlySequence<byte> payload)
    {
        try
        {
            return ReadJson(payload);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    private static Tail? ReadJson(in ReadOnlySequence<byte> payload)
    {
        var (sequence, error, hasData) = (0UL, 0, false);
        var json = new Utf8JsonReader(payload);
        while (json.Read())
        {
            // Of the message or of the error, of which an answer has one.
            if (json.TokenType != JsonTokenType.PropertyName || json.CurrentDepth != 2)
            {
                continue;
            }

            if (json.ValueTextEquals("seq"u8))
            {
                json.Read();
                sequence = json.GetUInt64();
            }
            else if (json.ValueTextEquals("data"u8))
            {
                json.Read();
                hasData = json.HasValueSequence || !json.ValueSpan.IsEmpty;
            }
            else if (json.ValueTextEquals("err_code"u8))
            {
                json.Read();
                error = json.GetInt32();
            }
        }

        return sequence > 0 || error == NoMessageFound ? new Tail(sequence, hasData) : null;
    }
}
