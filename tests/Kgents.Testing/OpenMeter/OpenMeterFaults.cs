using System.Text.Json;

namespace Kgents.Testing;

/// <summary>What becomes of an event that was accepted.</summary>
public enum EventFate
{
    Stored,

    /// <summary>Its answer was a 204, and it is nowhere: the queue never had it.</summary>
    Lost,

    /// <summary>It is there twice: the sink died between the insert and the mark.</summary>
    Doubled,
}

/// <summary>How a request goes wrong.</summary>
public enum RequestFault
{
    None,

    /// <summary>The status of the fault, and nothing is taken.</summary>
    Refused,

    /// <summary>500, and a part of the batch is taken.</summary>
    PartlyTaken,

    /// <summary>The connection breaks before anything is taken.</summary>
    BrokenBefore,

    /// <summary>All is taken, and the connection breaks in place of the answer.</summary>
    BrokenAfter,

    /// <summary>Deduplication before the queue takes the ids for known, and the queue then fails: 500. What is sent again is dropped as a duplicate.</summary>
    ClaimedAndFailed,
}

/// <param name="Taken">Events of the batch that are taken, for <see cref="RequestFault.PartlyTaken"/>.</param>
public sealed record OpenMeterFault(RequestFault Fault, int Status = 500, TimeSpan? RetryAfter = null, int Taken = 0);

/// <summary>What a test has asked the stand-in to do wrong, each for a number of requests, or by a rule.</summary>
internal sealed class OpenMeterFaults
{
    private readonly Lock _gate = new();
    private readonly Queue<OpenMeterFault> _next = new();
    private readonly Queue<int> _reads = new();
    private TaskCompletionSource? _hanging;

    public bool Hang
    {
        get
        {
            lock (_gate)
            {
                return _hanging is not null;
            }
        }

        set
        {
            lock (_gate)
            {
                if (value)
                {
                    _hanging ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                }
                else
                {
                    _hanging?.TrySetResult();
                    _hanging = null;
                }
            }
        }
    }

    /// <summary>The fault of a request that nothing was asked for; called one at a time.</summary>
    public Func<OpenMeterFault?>? Rule { get; set; }

    public Func<JsonElement, EventFate>? Fate { get; set; }

    public void Add(OpenMeterFault fault, int times)
    {
        lock (_gate)
        {
            for (var i = 0; i < times; i++)
            {
                _next.Enqueue(fault);
            }
        }
    }

    public void AddRead(int status, int times)
    {
        lock (_gate)
        {
            for (var i = 0; i < times; i++)
            {
                _reads.Enqueue(status);
            }
        }
    }

    public Task WaitWhileHangingAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            return _hanging?.Task.WaitAsync(cancellationToken) ?? Task.CompletedTask;
        }
    }

    public OpenMeterFault? Take()
    {
        lock (_gate)
        {
            return _next.TryDequeue(out var fault) ? fault : Rule?.Invoke();
        }
    }

    public int? TakeRead()
    {
        lock (_gate)
        {
            return _reads.TryDequeue(out var status) ? status : null;
        }
    }

    public EventFate FateOf(JsonElement value)
    {
        lock (_gate)
        {
            return Fate?.Invoke(value) ?? EventFate.Stored;
        }
    }
}
