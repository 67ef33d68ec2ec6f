using System.Collections.Immutable;
using System.Text.Json;

namespace Kgents.Testing;

/// <summary>Every way in which OpenMeter is known to fail, by a seed: as the rule and the fate of an <see cref="OpenMeterStandIn"/>.</summary>
/// <param name="doubles">Its sink has some events twice.</param>
/// <param name="claims">It takes ids for known that are nowhere. Nobody but an operator can help then.</param>
public sealed class OpenMeterChaos(int seed, bool doubles, bool claims)
{
    /// <summary>From these on one is lost, one taken for known and one doubled in any case, so that a short run has all of that.</summary>
    private const int LostAnyhow = 20;
    private const int ClaimedAnyhow = 30;
    private const int DoubledAnyhow = 40;

    private readonly Random _random = new(seed);
    private readonly HashSet<string> _lostOnce = [];
    private readonly HashSet<string> _seen = [];
    private ImmutableHashSet<string> _doubled = [];
    private string? _claimed;
    private int _events;

    /// <summary>Ids of the events that are there twice by its own fault. What is read of it does not change.</summary>
    public IReadOnlySet<string> Doubled => _doubled;

    /// <summary>Whether there is an id that it takes for known however often its event is sent.</summary>
    public bool HasClaimed => _claimed is not null;

    public int Requests { get; private set; }

    /// <summary>Those that went wrong.</summary>
    public int Faults { get; private set; }

    public OpenMeterFault? Next()
    {
        OpenMeterFault? fault = _random.Next(40) switch
        {
            0 => new(RequestFault.Refused, 500),
            1 => new(RequestFault.Refused, 503),
            2 => new(RequestFault.Refused, 408),
            3 => new(RequestFault.Refused, 429, TimeSpan.FromSeconds(1)),
            4 => new(RequestFault.PartlyTaken, Taken: _random.Next(20)),
            5 => new(RequestFault.BrokenBefore),
            6 => new(RequestFault.BrokenAfter),
            7 => new(RequestFault.Refused, 401),
            8 => new(RequestFault.Refused, 413),

            // Rare, as it is for a whole batch.
            9 when claims && _random.Next(3) == 0 => new(RequestFault.ClaimedAndFailed),
            _ => null,
        };
        Requests++;
        Faults += fault is null ? 0 : 1;
        return fault;
    }

    /// <summary>One id is known, and its event nowhere, however often it is sent.</summary>
    public EventFate FateOfClaimed(JsonElement value) => _claimed is { } claimed && value.GetProperty("id").ValueEquals(claimed) ? EventFate.Lost : EventFate.Stored;

    /// <summary>Some are lost after their 204, once, and some are there twice, once.</summary>
    public EventFate FateOf(JsonElement value)
    {
        var id = value.GetProperty("id").GetString()!;
        _events++;
        if (_seen.Add(id) && claims && _events >= ClaimedAnyhow)
        {
            _claimed ??= id;
        }

        if (id == _claimed)
        {
            return EventFate.Lost;
        }

        return _random.Next(200) switch
        {
            0 or 1 when _lostOnce.Add(id) => EventFate.Lost,
            2 when doubles && Double(id) => EventFate.Doubled,
            _ when _events >= LostAnyhow && _lostOnce.Count == 0 && _lostOnce.Add(id) => EventFate.Lost,
            _ when doubles && _events >= DoubledAnyhow && _doubled.Count == 0 && Double(id) => EventFate.Doubled,
            _ => EventFate.Stored,
        };
    }

    /// <summary>False when it is doubled already.</summary>
    private bool Double(string id)
    {
        var before = _doubled;
        _doubled = before.Add(id);
        return _doubled != before;
    }
}
