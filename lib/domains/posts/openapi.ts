import { defineRoute, type ApiTag } from '@/lib/platform/operation'
import { pageOf } from '@/lib/platform/pagination/page-schema'
import {
  createPostBody,
  listPostsOfUserQuery,
  listPostsQuery,
  post,
  postPath,
  replacePostBody,
  updatePostBody,
} from './schema'

const FAMILY_RULE =
  '`familyId` is required for, and only allowed with, the visibility `family`; the author must be a member.'

export const postsRoute = defineRoute('/api/posts', {
  GET: {
    id: 'listPosts',
    summary: 'List the posts visible to me, newest first',
    description: '`q`: all words must occur in the title or content.',
    access: { scope: 'posts:read', optional: true },
    parameters: [listPostsQuery],
    etag: true,
    list: true,
    responses: { 200: { description: 'A page of posts.', schema: pageOf('posts', post) } },
  },
  POST: {
    id: 'createPost',
    summary: 'Create a post',
    description: `The default \`visibility\` is \`private\`. ${FAMILY_RULE}`,
    access: { scope: 'posts:write' },
    body: createPostBody,
    maxBodyBytes: 1_048_576,
    errors: ['QUOTA_EXCEEDED'],
    idempotent: true,
    responses: { 201: { description: 'The post.', schema: post } },
  },
})

export const postRoute = defineRoute('/api/posts/{id}', {
  GET: {
    id: 'getPost',
    summary: 'Get a post',
    access: { scope: 'posts:read', optional: true },
    parameters: [postPath],
    etag: true,
    responses: { 200: { description: 'The post.', schema: post } },
  },
  PUT: {
    id: 'replacePost',
    summary: 'Replace a post',
    description: `Author and admins only. ${FAMILY_RULE}`,
    access: { scope: 'posts:write' },
    parameters: [postPath],
    body: replacePostBody,
    maxBodyBytes: 1_048_576,
    ifMatch: true,
    responses: { 200: { description: 'The updated post.', schema: post } },
  },
  PATCH: {
    id: 'updatePost',
    summary: 'Update a post',
    description: `Author and admins only. Changing the visibility removes the post from its family. ${FAMILY_RULE}`,
    access: { scope: 'posts:write' },
    parameters: [postPath],
    body: updatePostBody,
    maxBodyBytes: 1_048_576,
    example: { title: 'Notes on the engine' },
    ifMatch: true,
    responses: { 200: { description: 'The updated post.', schema: post } },
  },
  DELETE: {
    id: 'deletePost',
    summary: 'Delete a post',
    description: 'Author and admins only.',
    access: { scope: 'posts:write' },
    parameters: [postPath],
    ifMatch: true,
    responses: { 204: { description: 'Deleted.' } },
  },
})

export const postsOfUserRoute = defineRoute(
  '/api/users/{id}/posts',
  { scope: 'posts' },
  {
    GET: {
      id: 'listPostsOfUser',
      summary: 'List a user’s posts visible to me, newest first',
      parameters: [listPostsOfUserQuery],
      etag: true,
      list: true,
      postman: [{ path: { id: '{{myId}}' } }],
      responses: { 200: { description: 'A page of posts.', schema: pageOf('posts', post) } },
    },
  },
)

export const postsTag: ApiTag = {
  tag: 'Posts',
  description:
    'Public posts are visible to everyone, family posts to the members and their author, private posts to their author; admins see all posts.',
  schemas: { Post: post, NewPost: createPostBody, PostReplacement: replacePostBody, PostChanges: updatePostBody },
  operations: [...postsRoute.operations, ...postRoute.operations, ...postsOfUserRoute.operations],
}
