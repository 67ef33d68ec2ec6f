using System.Security.Cryptography;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.ServiceDefaults.Ledger;

/// <summary>An entry's bytes and their hash, which the next entry has.</summary>
public static class LedgerCodec
{
    public static byte[] Encode(LedgerEntry entry) => JsonSerializer.SerializeToUtf8Bytes(entry, WireJson.Default.LedgerEntry);

    /// <exception cref="LedgerBrokenException">It is no entry.</exception>
    public static LedgerEntry Decode(StoredEntry stored) =>
        TryDecode(stored) ?? throw new LedgerBrokenException($"message {stored.Sequence} of {Streams.Ledger.Name} is no entry");

    /// <summary>Null for what is no entry.</summary>
    public static LedgerEntry? TryDecode(StoredEntry stored)
    {
        try
        {
            return JsonSerializer.Deserialize(stored.Data.Span, WireJson.Default.LedgerEntry);
        }
        catch (Exception exception) when (exception is JsonException or NotSupportedException)
        {
            return null;
        }
    }

    public static string Hash(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));
}
