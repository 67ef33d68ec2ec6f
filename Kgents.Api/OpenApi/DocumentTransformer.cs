using Kgents.Api.Tickets;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Kgents.Api.OpenApi;

/// <summary>What the document says of the API as a whole, and the two paths that are not the API's own.</summary>
internal sealed class DocumentTransformer : IOpenApiDocumentTransformer
{
    public const string ProblemSchema = "Problem";
    public const string TicketScheme = "ticket";

    public static IReadOnlyDictionary<string, OpenApiSecurityScheme> SecuritySchemes { get; } = new Dictionary<string, OpenApiSecurityScheme>
    {
        ["bearer"] = new() { Type = SecuritySchemeType.Http, Scheme = "bearer", Description = "An API key: kg_…" },
        ["api_key"] = new() { Type = SecuritySchemeType.ApiKey, In = ParameterLocation.Header, Name = "X-API-Key", Description = "The same key in a header of its own." },
    };

    public Task TransformAsync(OpenApiDocument document, OpenApiDocumentTransformerContext context, CancellationToken cancellationToken)
    {
        document.Info = new OpenApiInfo
        {
            Title = "Kgents",
            Version = "v1",
            Description = "LLM agents as a service: messages in, tokens out as Server-Sent Events. The tenant is the key's. What goes over the wire, to the field: docs/wire.md.",
        };
        document.Servers = [new OpenApiServer { Url = "/" }];

        var paths = document.Paths.ToList();
        document.Paths = [];
        foreach (var (path, item) in paths)
        {
            document.Paths.Add(path.Length > 1 ? path.TrimEnd('/') : path, item);
        }

        document.Paths.Add("/health/live", Health("isLive", "Whether the process answers", ("200", "It does.")));
        document.Paths.Add("/health/ready", Health("isReady", "Whether the service can do its work", ("200", "NATS and its streams are well."), ("503", "They are not: a line for each check that fails.")));
        document.Tags!.Add(new OpenApiTag { Name = "Health" });

        foreach (var (name, schema) in document.Components!.Schemas!)
        {
            TakeNullFromReferences(schema, isRequest: name.EndsWith("Request", StringComparison.Ordinal));
        }

        foreach (var (name, scheme) in SecuritySchemes)
        {
            document.AddComponent(name, scheme);
        }

        document.AddComponent(TicketScheme, new OpenApiSecurityScheme { Type = SecuritySchemeType.ApiKey, In = ParameterLocation.Query, Name = AcceptsTicket.Parameter, Description = "A ticket for the stream of one turn, in the place of a key: kt_…" });
        foreach (var (name, header) in DocumentParameters.Headers)
        {
            document.AddComponent(name, header);
        }

        document.AddComponent(ProblemSchema, Problem());
        return Task.CompletedTask;

        OpenApiPathItem Health(string id, string summary, params (string Status, string Text)[] answers)
        {
            var responses = new OpenApiResponses();
            foreach (var (status, text) in answers)
            {
                responses[status] = new OpenApiResponse { Description = text, Content = new Dictionary<string, OpenApiMediaType> { ["text/plain"] = new() { Schema = Text() } } };
            }

            var operation = new OpenApiOperation { OperationId = id, Summary = summary, Tags = new HashSet<OpenApiTagReference> { new("Health", document) }, Responses = responses };
            return new OpenApiPathItem { Operations = new Dictionary<HttpMethod, OpenApiOperation> { [HttpMethod.Get] = operation } };
        }
    }

    /// <summary>A field without a value is left out of an answer, and a request must have some; the framework says of one that is a reference that it may be null.</summary>
    private static void TakeNullFromReferences(IOpenApiSchema schema, bool isRequest)
    {
        foreach (var (name, property) in schema.Properties?.Where(each => !isRequest || schema.Required?.Contains(each.Key) is true).ToArray() ?? [])
        {
            schema.Properties![name] = property.OneOf?.OfType<OpenApiSchemaReference>().FirstOrDefault() ?? property;
        }
    }

    private static OpenApiSchema Problem() => new()
    {
        Type = JsonSchemaType.Object,
        Description = "RFC 9457. The fields after `errors` are of some types only.",
        Properties = new Dictionary<string, IOpenApiSchema>
        {
            ["type"] = Text(),
            ["title"] = Text(),
            ["status"] = new OpenApiSchema { Type = JsonSchemaType.Integer },
            ["detail"] = Text(),
            ["trace_id"] = Text(),
            ["errors"] = new OpenApiSchema
            {
                Type = JsonSchemaType.Object,
                Description = "What is wrong, by field; of an invalid request.",
                AdditionalProperties = new OpenApiSchema { Type = JsonSchemaType.Array, Items = Text() },
            },
            ["code"] = Text(),
            ["turn_id"] = Text(),
            ["scope"] = Text(),
            ["tenant_status"] = Text(),
            ["plan"] = Text(),
            ["field"] = Text(),

            // A number, or a time.
            ["limit"] = new OpenApiSchema { Type = JsonSchemaType.Integer | JsonSchemaType.String },
            ["violated-policies"] = new OpenApiSchema { Type = JsonSchemaType.Array, Items = Text() },
            ["position"] = new OpenApiSchema { Type = JsonSchemaType.Integer },
            ["suggestion"] = Text(),
            ["archetype"] = Text(),
            ["available"] = new OpenApiSchema { Type = JsonSchemaType.Array, Items = Text() },
            ["remaining"] = new OpenApiSchema { Type = JsonSchemaType.Number },
            ["law"] = Text(),
            ["step"] = new OpenApiSchema { Type = JsonSchemaType.Integer },
        },
        Required = new HashSet<string> { "type", "title", "status", "detail" },
    };

    private static OpenApiSchema Text() => new() { Type = JsonSchemaType.String };
}
