using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Kgents.Contracts;

namespace Kgents.Api.Tickets;

/// <summary>
/// The right to follow one turn until a time, given by a key: <c>kt_{tenant}_{expires}_{key}_{signature}</c>. Session and turn are not in it, since the path that it
/// is presented to has them; they are signed.
/// </summary>
/// <param name="Expires">In seconds since 1970; from then on it is refused.</param>
internal readonly partial record struct StreamTicket(TurnAddress Turn, ApiKeyId Key, long Expires)
{
    public string Sign(byte[] secret)
    {
        var signed = string.Create(CultureInfo.InvariantCulture, $"stream-ticket\n{Turn.Tenant}\n{Turn.Session}\n{Turn.Turn}\n{Key}\n{Expires}");
        var signature = HMACSHA256.HashData(secret, Encoding.ASCII.GetBytes(signed));
        return string.Create(CultureInfo.InvariantCulture, $"kt_{Turn.Tenant}_{Expires}_{Key}_{Base64Url.EncodeToString(signature)}");
    }

    /// <summary>What the text says; nothing of it holds before <see cref="IsSigned"/>.</summary>
    public static StreamTicket? Read(string text, SessionId session, TurnId turn) => Form.Match(text) is { Success: true, Groups: var parts }
        ? new StreamTicket(
            new TurnAddress(TenantId.Parse(parts[1].Value), session, turn), ApiKeyId.Parse(parts[3].Value), long.Parse(parts[2].Value, CultureInfo.InvariantCulture))
        : null;

    /// <summary>In constant time.</summary>
    public bool IsSigned(string text, byte[] secret) => CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(text), Encoding.ASCII.GetBytes(Sign(secret)));

    [GeneratedRegex("^kt_([a-z0-9-]{1,40})_([0-9]{1,11})_(k-[0-9a-f]{32})_[A-Za-z0-9_-]{43}\\z")]
    private static partial Regex Form { get; }
}
